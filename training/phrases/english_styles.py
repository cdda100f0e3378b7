"""English words of the styles, the turns and mirrors, and the frames. Data only; frames and slots are in `english`."""

from training.phrases import Words, words

STYLES: dict[str, Words] = {
    "sketch": words(
        adjectives="sketched|hand-drawn|hand drawn|drawn|drawn by hand|drawn with a pencil|drawn in pencil|pencilled|like a sketch|like a drawing|sketchy",
        nouns="sketch|sketch|pencil sketch|pencil sketch|pencil drawing|pencil drawing|drawing|line drawing|line art|charcoal drawing|charcoal|"
        "graphite drawing|pencil|hand-drawn|ink drawing|sketchbook|outline drawing|crayon drawing|pen drawing|lineart",
        phrases="sketch {o}|sketch|sketch it|draw {o}|draw {o} with a pencil|draw {o} in pencil|draw {o} by hand|make {o} a sketch|make {o} a drawing|make {o} a pencil sketch|"
        "make {o} a pencil drawing|turn {o} into a sketch|turn {o} into a drawing|turn {o} into a pencil drawing|turn {o} into a line drawing|a pencil sketch|a pencil drawing|"
        "a line drawing|pencil art|make {o} look like a drawing|make {o} look like a sketch|make {o} look hand drawn|make {o} look like a pencil drawing|as a sketch|as a drawing|"
        "as a pencil drawing|{o} as a sketch|{o} as a drawing|as if drawn|as if drawn by hand|as if drawn with a pencil|like a pencil drawing|like a sketch|only outlines|"
        "only the lines|just the lines|show only the outlines|trace the outlines|trace {o}|trace the edges|outline {o} with a pencil|black lines on white paper|lines on paper|"
        "on paper with a pencil|pencil lines|pencil strokes|draw the outlines|like a coloring book page|colouring book page|like in a sketchbook|a quick sketch {of}|"
        "convert {o} to line art|use a pencil|redraw {o} in pencil|make a drawing {of}|make a sketch {of}",
    ),
    "poster": words(
        adjectives="posterized|posterised|posterized|like a poster|poster-like|limited in color|with few colors|with fewer colors|with flat colors|reduced to a few colors|simplified in color",
        nouns="poster|poster|posterized|posterised|posterize|poster art|pop art|pop-art|flat color|flat colour|screen print|screenprint|silkscreen|"
        "few colors|limited palette|four color|color block|cut-out paper|graphic poster",
        phrases="posterize {o}|posterise {o}|posterize|posterise|posterize it|posterize effect|make {o} a poster|make {o} look like a poster|turn {o} into a poster|"
        "poster style|poster effect|in poster style|like a poster|as a poster|{o} as a poster|make a poster {of}|few colors|few colours|only a few colors|fewer colors|fewer colours|"
        "use fewer colors|use only a few colors|use just a few colours|reduce the number of colors|reduce the number of colours|limit the colors|limit the palette|limit the number of colors|"
        "flat colors|flat colours|flat areas of color|flat color areas|use flat colors|large flat colors|blocks of color|color blocks|blocks of solid color|solid colors|solid colours only|"
        "pop art style|like pop art|like andy warhol|like warhol|like a screen print|like a silkscreen|reduce {o} to four colors|reduce {o} to a few colors|quantize the colors|"
        "quantise the colours|a limited palette|reduced palette|reduce the palette|four colors only|hard color steps|make the colors flat|simplify the colors|fewer shades|fewer tones|"
        "like cut-out paper|like a printed poster|like a vintage travel poster with few colors|make {o} pop art",
    ),
    "mosaic": words(
        adjectives="pixelated|pixelated|pixellated|pixelized|blocky|pixely|more pixelated|made of pixels|made of big pixels|made of squares|made of blocks|made of tiles|like pixel art|8-bit",
        nouns="pixel art|pixel art|mosaic|mosaic|pixelated|pixel|8-bit|8 bit|16-bit|pixelation|mosaic tile|tile mosaic|low-res pixel|block|pixel game",
        raised="the pixelation|pixelation|the pixels|the pixel size|the block size",
        phrases="pixelate {o}|pixelate {o}|pixelate|pixellate {o}|pixelize {o}|pixelise {o}|pixel art|as pixel art|{o} as pixel art|turn {o} into pixel art|make {o} pixel art|"
        "make {o} a mosaic|turn {o} into a mosaic|a mosaic|mosaic|as a mosaic|{o} as a mosaic|like a mosaic|mosaic tiles|mosaic effect|mosaic style|make {o} look like a mosaic|"
        "make {o} look pixelated|big pixels|large pixels|visible pixels|huge pixels|show the pixels|make the pixels big|make the pixels larger|use big pixels|8-bit style|8 bit graphics|"
        "like an 8-bit game|like an old video game|video game pixels|like an old computer game|like a game boy|minecraft style|like minecraft|like minecraft blocks|in blocks|made of blocks|"
        "made of squares|big squares|colored squares|coloured squares|break {o} into squares|break {o} into blocks|divide {o} into tiles|made of tiles|square tiles|like lego|lego style|"
        "like roman tiles|like bathroom tiles|censor {o}|pixels|retro game pixels|make {o} blocky|out of little squares",
    ),
    "oil": words(
        adjectives="painted|painted|painterly|more painterly|painted in oil|painted with oil|painted by hand|hand-painted|oil painted|oil-painted|like a painting|like an oil painting|brushy",
        nouns="oil painting|oil painting|oil painting|painting|painting|painted|painterly|oil paint|oil|oil on canvas|canvas|classical painting|impressionist|brush stroke|brushstroke|"
        "fine art painting|impasto|old master|renaissance painting",
        phrases="paint {o}|paint {o} in oil|paint {o} with oil|oil paint {o}|make {o} a painting|make {o} an oil painting|turn {o} into a painting|turn {o} into an oil painting|"
        "convert {o} into an oil painting|change {o} into an oil painting|an oil painting|oil painting|a painting|as a painting|as an oil painting|{o} as a painting|{o} as an oil painting|"
        "make {o} look like a painting|make {o} look like an oil painting|make {o} look painted|make {o} look like it was painted|like a painting|like an oil painting|as if painted|"
        "as if painted in oil|as if painted by hand|as if it was painted|oil on canvas|on canvas|paint on canvas|in oil|in oils|oil style|oil effect|oil painting style|in the style of an oil painting|"
        "painterly style|a painterly look|thick brush strokes|brush strokes|with brush strokes|add brush strokes|visible brush strokes|with a brush|brushed|use oil paint|like van gogh|van gogh style|"
        "in the style of van gogh|like monet|monet style|in the style of monet|like rembrandt|impressionist style|impressionism|like an old master|an artist's painting {of}|"
        "make a painting {of}|make an oil painting {of}|like in an art gallery|painted portrait style|smear the paint|classical painting",
    ),
    "blur": words(
        adjectives="blurry|blurry|blurred|blurred|blurrier|more blurry|more blurred|softer|soft|out of focus|unfocused|defocused|less sharp|fuzzy|fuzzier|smoother|smooth|"
        "unsharp|less crisp|less clear|unclear|soft focus|smudgy|indistinct",
        nouns="blur|blur|blurred|blurry|gaussian blur|soft focus|soft-focus|soft|out of focus|out-of-focus|fuzzy|smooth|defocus|lens blur",
        raised="blur|the blur|the blur|the softness|softness|the blurriness|blurriness|gaussian blur",
        lowered="the sharpness|sharpness|the focus|the crispness|the clarity|the definition",
        wrong="sharp|crisp|sharpened",
        verbs="blur {o}|blur {o}|blur {o} out|blur out {o}|blur|soften {o}|soften {o} up|soften|smooth {o}|smooth {o} out|smooth out {o}|defocus {o}|unfocus {o}|unsharpen {o}|"
        "smudge {o}|smear {o}|gaussian blur {o}|take {o} out of focus|put {o} out of focus|throw {o} out of focus|blur the details|blur the lines|blur everything out|make the focus softer",
        phrases="add blur|add a blur|add some blur|apply blur|apply a blur|apply a gaussian blur|gaussian blur|a soft focus|soft focus|give {o} a soft focus|out of focus|"
        "{o} out of focus|make {o} out of focus|lose the focus|lose the sharpness|remove the sharpness|remove the detail|take the sharpness out|less sharp|less sharpness|less detail|"
        "like without my glasses|as if seen without glasses|as if out of focus|like through a dirty lens|like a blurred lens|like an unfocused camera|wrong focus|lens out of focus|"
        "a dreamy blur|dreamy soft look|a soft look|soft edges|smooth edges|soften the edges|more blur|heavy blur|total blur|hide the details with blur|make the details disappear",
    ),
    "sharpen": words(
        adjectives="sharper|sharper|sharp|more sharp|crisper|crisp|clearer|clear|less blurry|less blurred|more detailed|detailed|in focus|more in focus|better focused|focused|better defined|"
        "more defined|less soft|less fuzzy|razor sharp|razor-sharp|crystal clear|crispy|tack sharp|less smooth",
        nouns="sharp|sharp|sharpened|sharper|crisp|crisper|sharpen|sharpening|sharpness|clear|detailed|more detailed|clarity|crystal clear",
        raised="sharpness|the sharpness|the sharpness|sharpness {of}|clarity|the clarity|the detail|detail|the details|details|the definition|definition|the crispness|the focus|the acuity|"
        "edge sharpness|the edges",
        lowered="the blur|blur|the blurriness|blurriness|the softness|the fuzziness",
        wrong="blurry|soft|fuzzy|out of focus|unsharp|blurred|unclear",
        verbs="sharpen {o}|sharpen {o}|sharpen {o} up|sharpen up {o}|sharpen|sharpen the details|sharpen the edges|sharpen the lines|crisp {o} up|crispen {o}|focus {o}|refocus {o}|"
        "bring {o} into focus|unblur {o}|deblur {o}|clear up {o}|enhance the details|bring out the details|bring out the detail|accentuate the edges|emphasize the details|"
        "sharpness up|turn the sharpness up",
        phrases="more sharpness|more detail|more details|more clarity|more definition|more crispness|add detail|add details|add sharpness|add some sharpness|add clarity|remove the blur|"
        "remove blur|get rid of the blur|take the blur away|fix the blur|fix the focus|fix the blurriness|no blur|without blur|in sharp focus|put {o} in focus|give {o} sharp edges|"
        "crisp edges|sharp edges|sharp details|fine details|crisp details|clearer details|give {o} more detail|give {o} more sharpness|{o} needs more sharpness|{o} needs sharpening|"
        "{o} lacks sharpness|{o} is not sharp|{o} is not sharp enough|not sharp enough|not in focus|i can't see the details|unsharp mask|apply an unsharp mask|apply sharpening|add sharpening|"
        "increase the detail|show every detail|i want to see every detail",
    ),
}  # fmt: skip

GEOMETRY: dict[str, Words] = {
    "mirror": words(
        adjectives="mirrored|mirrored|mirrored horizontally|flipped horizontally|horizontally flipped|horizontally mirrored|reversed left to right|mirrored left to right|"
        "flipped left to right|flipped sideways|flipped|back to front|like in a mirror|as in a mirror|mirror-inverted|swapped left to right",
        nouns="mirror|mirror|mirror image|mirrored|horizontal flip|flipped|horizontally flipped|left-right flip|selfie mirror|reflected",
        phrases="mirror {o}|mirror {o}|mirror|mirror it|mirror {o} horizontally|mirror {o} left to right|mirror image|the mirror image|a mirror image {of}|make a mirror image|make {o} a mirror image|"
        "flip {o}|flip|flip {o} horizontally|flip {o} horizontally|horizontally flip {o}|flip horizontally|horizontal flip|do a horizontal flip|flip {o} left to right|flip {o} from left to right|"
        "flip {o} right to left|flip {o} sideways|flip {o} around|flip left and right|flip left to right|flip along the vertical axis|flip {o} along the vertical axis|flip {o} to the other side|"
        "reverse {o}|reverse {o} left to right|reverse {o} horizontally|reverse left and right|reverse the sides|swap left and right|swap the left and right side|swap left with right|"
        "swap the left and right sides|swap the sides|exchange left and right|switch left and right|switch the sides|switch sides|interchange left and right|left becomes right|"
        "left becomes right and right becomes left|turn left into right|left to right and right to left|left side to the right|make {o} face the other way|face the other way|"
        "let {o} face the other direction|look the other way|reflect {o}|reflect {o} horizontally|horizontal mirror|horizontal reflection|like in a mirror|as seen in a mirror|"
        "as in a mirror|show {o} in a mirror|see {o} in a mirror|mirrored|mirror mode|mirror flip|invert left and right|back to front|mirror writing|h flip|hflip|flip x",
    ),
    "flip": words(
        adjectives="upside down|upside down|upside-down|flipped vertically|vertically flipped|mirrored vertically|flipped upside down|turned upside down|flipped top to bottom|"
        "topsy-turvy|head over heels|reversed top to bottom|bottom up|the wrong way up|overturned",
        nouns="upside down|upside-down|vertical flip|vertically flipped|vertical mirror|upside down flip",
        phrases="turn {o} upside down|turn {o} upside down|flip {o} upside down|flip {o} vertically|flip {o} vertically|vertically flip {o}|flip vertically|vertical flip|do a vertical flip|"
        "put {o} upside down|hang {o} upside down|show {o} upside down|hold {o} upside down|upside down|upside-down|make {o} upside down|flip {o} top to bottom|flip {o} from top to bottom|"
        "flip top to bottom|flip top and bottom|flip {o} over|turn {o} over|flip {o} on its head|turn {o} on its head|stand {o} on its head|put {o} on its head|head down|heads down|"
        "mirror {o} vertically|mirror {o} top to bottom|mirror vertically|vertical mirror|vertical reflection|reflect {o} vertically|reverse {o} top to bottom|reverse {o} vertically|"
        "reverse top and bottom|swap top and bottom|swap the top and the bottom|swap the top and bottom|swap up and down|exchange top and bottom|switch top and bottom|"
        "interchange top and bottom|top becomes bottom|the top becomes the bottom|top to bottom|the bottom goes to the top|bottom up|bottom to top|bottoms up|the wrong way up|"
        "make {o} stand on its head|the sky should be at the bottom|sky below and ground above|ground on top and sky below|flip along the horizontal axis|flip {o} along the horizontal axis|"
        "topsy-turvy|topsy turvy|head over heels|overturn {o}|invert top and bottom|v flip|vflip|flip y|like a bat hanging down|like reflected in water|like in australia",
    ),
    "left": words(
        adjectives="rotated left|rotated to the left|turned left|turned to the left|rotated counterclockwise|rotated anticlockwise|rotated 90 degrees to the left|"
        "rotated 90 degrees counterclockwise|turned 90 degrees to the left|turned anticlockwise|rotated 90° left|tipped to the left|on its left side",
        phrases="{turn} {o} {lefthand}|{turn} {o} {lefthand}|{turn} {o} {ninety} {lefthand}|{turn} {o} {ninety} {lefthand}|{turn} {o} {ninety} {lefthand}|{turn} {o} {lefthand} {ninety}|"
        "{turn} {o} {lefthand} {ninety}|rotate {lefthand}|rotate {ninety} {lefthand}|rotate {lefthand} {ninety}|left rotation|counterclockwise rotation|anticlockwise rotation|a left rotation|"
        "90 degrees {lefthand}|90° {lefthand}|a quarter turn {lefthand}|quarter turn {lefthand}|give {o} a quarter turn {lefthand}|turn {o} a quarter {lefthand}|lay {o} on its left side|"
        "put {o} on its left side|tip {o} onto its left side|turn {o} on its left side|rotate left|rotate counterclockwise|rotate anticlockwise|rotate ccw|ccw|rotate {o} ccw|"
        "turn {o} against the clock|rotate {o} against the clock|rotate by minus 90 degrees|rotate {o} by minus 90|rotate {o} minus 90 degrees|rotate {o} by 270 degrees clockwise|"
        "{turn} {o} once {lefthand}|the top goes to the left|the top should be on the left|rotate {o} by a quarter {lefthand}|{lefthand} by 90 degrees|rot left|spin {o} {lefthand}|"
        "swing {o} {lefthand}|pivot {o} {lefthand}|the right side should be on top|make the right side the top|head to the left|apply a left rotation|do a left turn|swivel {o} {lefthand}",
    ),
    "right": words(
        adjectives="rotated|rotated 90 degrees|rotated right|rotated to the right|turned right|turned to the right|rotated clockwise|rotated 90 degrees to the right|"
        "rotated 90 degrees clockwise|turned 90 degrees to the right|turned clockwise|rotated 90° right|tipped to the right|on its right side|turned by 90 degrees",
        phrases="{turn} {o} {righthand}|{turn} {o} {righthand}|{turn} {o} {ninety} {righthand}|{turn} {o} {ninety} {righthand}|{turn} {o} {righthand} {ninety}|{turn} {o} {righthand} {ninety}|"
        "rotate {righthand}|rotate {ninety} {righthand}|rotate {righthand} {ninety}|rotate {o}|rotate {o}|rotate|rotate it 90 degrees|rotate {o} {ninety}|rotate {o} {ninety}|rotate 90 degrees|"
        "rotate by 90 degrees|rotate 90°|rotate 90|turn {o} 90 degrees|turn {o} by 90 degrees|turn {o} 90°|spin {o} 90 degrees|right rotation|clockwise rotation|a right rotation|rotation|"
        "90 degree rotation|90 degrees {righthand}|90° {righthand}|90 degrees|a quarter turn|quarter turn|quarter turn {righthand}|give {o} a quarter turn|give {o} a quarter turn {righthand}|"
        "turn {o} a quarter {righthand}|lay {o} on its right side|put {o} on its right side|tip {o} onto its right side|turn {o} on its right side|turn {o} on its side|lay {o} on its side|"
        "put {o} on its side|rotate right|rotate clockwise|rotate cw|rotate {o} cw|turn {o} with the clock|rotate {o} with the clock|rotate {o} by +90 degrees|"
        "rotate {o} by 270 degrees counterclockwise|{turn} {o} once {righthand}|the top goes to the right|the top should be on the right|rotate {o} by a quarter {righthand}|"
        "{righthand} by 90 degrees|rot right|swing {o} {righthand}|pivot {o} {righthand}|the left side should be on top|make the left side the top|rotate {o} by a right angle|turn {o} sideways|"
        "head to the right|apply a right rotation|swivel {o} {righthand}",
    ),
    "zoom": words(
        adjectives="zoomed in|zoomed in|zoomed|closer|nearer|closer up|magnified|enlarged|zoomed in on the {middle}|twice as close|closer to the camera|zoomed 2x|enlarged in the {middle}",
        nouns="zoom|zoomed|zoomed in|zoomed-in|close-up|closeup|close up|2x zoom|magnified|enlarged|macro",
        raised="zoom|the zoom|the zoom|the magnification|magnification|the zoom level|the zoom factor",
        phrases="zoom in|zoom in|zoom|zoom in a bit|zoom in a little|zoom in more|zoom in a lot|zoom more|zoom in on {o}|zoom into {o}|zoom {o}|zoom {o} in|zoom in on the {middle}|zoom in on the {middle}|zoom into the {middle}|zoom into the {middle} {of}|"
        "zoom to the {middle}|zoom in closer|zoom in on the {middle} {of}|zoom in 2x|zoom 2x|2x zoom|2x|zoom in two times|zoom in by two|zoom by a factor of two|zoom by 2|zoom 200%|zoom in 200%|"
        "zoom in by a factor of 2|double the zoom|twice the zoom|enlarge the {middle}|enlarge the {middle} {of}|enlarge {o}|enlarge|magnify {o}|magnify the {middle}|magnify the {middle} {of}|magnify|"
        "blow up the {middle}|blow {o} up|blow up {o}|make the {middle} bigger|make the {middle} larger|make the {middle} fill the frame|show the {middle} bigger|show only the {middle}|"
        "show just the {middle}|show the {middle} larger|show the {middle} up close|get closer|go closer|come closer|move closer|move in closer|move in|get nearer|go nearer|"
        "closer please|closer|a closer look|take a closer look|look closer|a close-up|a close-up {of}|close-up|close up|up close|make a close-up {of}|bring {o} closer|pull {o} closer|"
        "bring the {middle} closer|step closer|step forward|see the {middle} better|focus on the {middle} by zooming in|crank the zoom|use the zoom|use a longer lens|scale up the {middle}|"
        "twice as big in the {middle}|the {middle} twice as large|double the size of the {middle}|expand the {middle}|stretch the {middle} to the edges|fill the frame with the {middle}",
    ),
}  # fmt: skip

COLOURS = ("white", "black", "red", "yellow", "green", "blue")
#: `{colour}` becomes the slot of that colour
FRAMED = (
    "add a {colour} {border}|add a {colour} {border}|add a {colour} {border}|add {colour} {border}|add a {colour} {border} to {o}|add a {colour} {border} around {o}|add a {border} in {colour}|"
    "put a {colour} {border} around {o}|put a {colour} {border} on {o}|put {o} in a {colour} {border}|put {o} into a {colour} {border}|draw a {colour} {border} around {o}|"
    "draw a {colour} {border}|give {o} a {colour} {border}|give {o} a {border} in {colour}|surround {o} with a {colour} {border}|surround {o} with {colour}|frame {o} in {colour}|"
    "frame {o} with {colour}|border {o} in {colour}|{colour} {border}|{colour} {border}|a {colour} {border}|a {colour} {border} around {o}|{o} in a {colour} {border}|"
    "{o} with a {colour} {border}|with a {colour} {border}|i want a {colour} {border}|make a {colour} {border}|make a {colour} {border} around {o}|make the {border} {colour}|"
    "insert a {colour} {border}|apply a {colour} {border}|place a {colour} {border} around {o}|place {o} in a {colour} {border}|set {o} in a {colour} {border}|{o} needs a {colour} {border}|"
    "{o} should have a {colour} {border}|add a thick {colour} {border}|add a thin {colour} {border}|add a wide {colour} {border}|a thick {colour} {border}|a broad {colour} {border}|"
    "create a {colour} {border}|wrap {o} in a {colour} {border}|enclose {o} in a {colour} {border}|{colour} edges|{colour} edges around {o}|{colour} frame please|{border} in {colour}|"
    "{colour} margin|add {colour} margins|edge {o} in {colour}|use a {colour} {border}|{o} framed in {colour}|framed in {colour}|{colour}-framed|a {colour} edge around {o}|a {colour} rim|{colour} surround|a {colour} passe-partout|{colour} framing"
)
#: no colour named: white
PLAIN_FRAMED = (
    "add a {border}|add a {border}|add a {border} to {o}|add a {border} around {o}|add {border}|put a {border} around {o}|put a {border} on {o}|put {o} in a {border}|"
    "give {o} a {border}|frame {o}|frame {o}|frame|border|frame this|draw a {border} around {o}|a {border} around {o}|{o} with a {border}|i want a {border}|make a {border}|"
    "surround {o} with a {border}|{o} needs a {border}|insert a {border}|apply a {border}|place {o} in a {border}|add a simple {border}|add a passe-partout|polaroid frame|"
    "like a polaroid|add margins|add a margin around {o}|with a {border}|add a thin {border}|add a thick {border}"
)
FRAMES: dict[str, Words] = {
    f"frame {colour}": words(
        phrases=FRAMED.replace("{colour}", "{" + colour + "}") + (f"|{PLAIN_FRAMED}|{PLAIN_FRAMED}" if colour == "white" else "")
    )
    for colour in COLOURS
}  # fmt: skip
