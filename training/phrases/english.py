"""English words and phrases for each tonal family. Data only; `training.prompts` composes them.

`{o}` is replaced by an object ("it", "the photo" …), `{of}` by "" or "of the photo", `{y}` by a year long ago.
A word that a user might choose should stand here at least once: the text encoder learns from nothing, so it
knows no synonym that it never saw.
"""

OBJECTS = (
    "it|it|it|it|this|this|the picture|the photo|the image|this picture|this photo|this image|my photo|my picture|"
    "the photograph|the pic|this pic|the whole picture|the whole image|the entire photo|the scene|the shot|this shot|"
    "my image|everything|the colors|the colours|the colors of the photo|that picture|the snapshot|this photograph"
).split("|")
OPENINGS = (
    "||||||please |please |can you |could you |could you please |can you please |i want you to |i would like you to |"
    "i'd like you to |just |now |hey, |kindly |let's |would you |would you please |go ahead and |you should |"
    "i need you to |we should |simply |ok, |hi, please |try to |pls |help me |i want to |i'd like to "
).split("|")
ENDINGS = (
    "||||||||.|.|.|!|?| please| please|, please|, please.| pls| thanks|, thanks|, thank you| for me| now| if you can|"
    " if possible|...| thx| right now| for my album| and nothing else"
).split("|")
INTENSITY = (
    "|||||a bit |a little |a little bit |slightly |much |way |somewhat |a lot |even |far |a touch |some |quite ".split(
        "|"
    )
)
HINTS = "|||||| a bit| a little| slightly| a lot| a little bit| somewhat".split("|")

UP = (
    "increase|raise|boost|turn up|lift|up|bump up|crank up|pump up|push up|bring up|enhance|strengthen|dial up|"
    "add more|add|give more|more|higher|amplify|step up|heighten|intensify"
).split("|")
DOWN = (
    "decrease|reduce|lower|turn down|drop|cut|cut down|bring down|dial down|dial back|lessen|diminish|push down|"
    "tone down|take down|less|weaken|bring back|pull down|cut back|remove some of|soften"
).split("|")
AMOUNTS = {
    "brightness": "brightness|the brightness|the brightness {of}|exposure|the exposure|the light|light|the lightness|"
    "the luminosity|the light level|the brightness level|the illumination|the lighting",
    "darkness": "the darkness|darkness|the shadows|the gloom|the dark",
    "warmth": "the warmth|warmth|the color temperature|the colour temperature|the temperature|the warmth {of}|"
    "the warm tones|the warm colors|the temperature {of}|the golden tones|the yellow|the orange",
    "coldness": "the coolness|the coldness|coldness|the cool tones|the cold tones|the cold colors|the blue tones|the blue|"
    "the blues|coolness",
}
#: family → [(direction words, amount)]
SLIDERS = {
    "brighter": [("up", "brightness"), ("up", "brightness"), ("down", "darkness")],
    "darker": [("down", "brightness"), ("down", "brightness"), ("up", "darkness")],
    "warmer": [("up", "warmth"), ("up", "warmth"), ("down", "coldness")],
    "cooler": [("up", "coldness"), ("down", "warmth"), ("down", "warmth")],
}

#: after "make it …", "turn it …", alone
ADJECTIVES = {
    "bw": "black and white|black and white|black and white|black & white|black-and-white|b&w|b/w|bw|grayscale|greyscale|"
    "gray|grey|monochrome|monochromatic|colorless|colourless|desaturated|gray scale|grey scale|fully desaturated",
    "invert": "inverted|inverted|negative|color inverted|inverse|reversed in color|a negative|a color negative",
    "sepia": "sepia|sepia|sepia|sepia toned|sepia-toned|vintage|vintage brown|antique|brownish|retro|old-fashioned|aged|"
    "brown and vintage|yellowed|brown toned|nostalgic|old fashioned",
    "brighter": "brighter|brighter|brighter|lighter|more bright|bright|less dark|better lit|more luminous|more illuminated|"
    "well lit|light|less gloomy|less dim|more exposed",
    "darker": "darker|darker|darker|dimmer|more dark|dark|less bright|dim|less light|moodier|gloomier|less exposed|"
    "more dim|gloomy|shadowy|more shadowy",
    "warmer": "warmer|warmer|warmer|more warm|warm|less cold|warm toned|less blue|more golden|golden|more orange|more yellow|"
    "less cool|cozy and warm|sunnier|hotter|warm and golden|less bluish",
    "cooler": "cooler|cooler|cooler|colder|more cool|cool|cold|less warm|cool toned|bluer|more blue|icy|less yellow|"
    "less orange|more bluish|bluish|chilly|frosty|wintry|icier|less golden",
}
COMPARABLE = ("brighter", "darker", "warmer", "cooler")  #: families whose adjectives take "a bit", "much" …
ADJECTIVE_FRAMES = (
    "make {o} {a}|make {o} {a}|make {o} {a}|make {o} look {a}|turn {o} {a}|i want {o} {a}|i want {o} to be {a}|"
    "{o} should be {a}|let {o} be {a}|render {o} {a}|{a}|{a}|{a}|get {o} {a}|have {o} {a}|change {o} to be {a}|"
    "i need {o} {a}|{o} but {a}|make {o} appear {a}|{o} must be {a}|show {o} {a}|edit {o} to be {a}|"
    "set {o} to {a}|i'd prefer {o} {a}|i like {o} {a}|make {o} become {a}|give me {o} {a}|paint {o} {a}|a {a} one|"
    "can {o} be {a}|could {o} be {a}"
).split("|")

#: "a … photo", "the … look", "… filter"
NOUNS = {
    "bw": "black and white|black and white|black & white|black-and-white|b&w|grayscale|greyscale|monochrome|bw|gray|grey",
    "invert": "negative|negative|film negative|inverted color|color negative|inverse color|inverted|photo negative|"
    "inverted colors|invert|color inversion|opposite color|reversed color|colour inversion|colour reversal|color reversal",
    "sepia": "sepia|sepia|sepia tone|vintage sepia|sepia brown|vintage|old sepia|antique|antique brown|retro brown|retro|"
    "brown tone|old-time|vintage brown|nostalgic|old brown",
    "brighter": "brighter|bright|lighter|high key|well lit|more luminous",
    "darker": "darker|dark|dimmer|low key|dim|moody dark|gloomy",
    "warmer": "warmer|warm|warm tone|warm color|golden hour|warm light|golden|warm toned|warm orange|warm colour",
    "cooler": "cooler|cool|cold|cool tone|cold color|cool blue|cold tone|cool toned|icy blue|winter|cold blue|cool colour",
}
NOUN_FRAMES = (
    "convert {o} to {n}|convert {o} into {n}|change {o} to {n}|change {o} into {n}|turn {o} into {n}|turn {o} into a {n} photo|"
    "turn {o} into a {n} picture|turn {o} into a {n} image|make {o} a {n} photo|make {o} into a {n} image|"
    "apply a {n} filter|apply {n} filter|apply a {n} effect|apply {n}|add a {n} filter|add a {n} effect|add {n} effect|"
    "give {o} a {n} look|give {o} a {n} style|give {o} a {n} feel|use a {n} filter|use {n}|{n} version|a {n} version {of}|"
    "{n} filter|{n} effect|{n} style|{n} look|{n} photo|{n} picture|{n} image|in {n}|{o} in {n}|show {o} in {n}|"
    "i want a {n} version {of}|i want a {n} photo|i want {o} in {n}|make a {n} version {of}|transform {o} into {n}|"
    "put a {n} filter on {o}|create a {n} version|switch to {n}|go {n}|{n} mode|render {o} in {n}|{n} tones|make {o} {n} style|"
    "set {o} to {n}|edit {o} into {n}|a {n} look for {o}|process {o} as {n}|{n} colors|give me a {n} version {of}|"
    "i need a {n} copy {of}|have {o} in {n}|make {o} look like a {n} photo|like a {n} photograph|redo {o} in {n}|{n} tint"
).split("|")

#: what is wrong with the picture, when this family is the cure: "{o} looks cold, make it warmer"
COMPLAINTS = {
    "brighter": "dark|dim|gloomy|underexposed",
    "darker": "bright|light|overexposed|washed out",
    "warmer": "cold|cool|blue|icy|bluish",
    "cooler": "warm|yellow|orange|hot|golden",
}
COMPLAINT_FRAMES = (
    "{o} is too {c}, make it {a}|{o} looks {c}, make it {a}|{o} looks too {c}, make it {a}|{o} seems {c}, i want it {a}|"
    "{o} is {c}, it should be {a}|it is so {c}, make {o} {a}|too {c}, make {o} {a}|{o} is a bit {c}, make it {a}|not so {c}|"
    "less {c} please|why is {o} so {c}|{o} is {c}, please make {o} {a}|make {o} less {c}|make {o} not so {c}"
).split("|")
NEEDS = (
    "{o} needs a {n} tint|{o} needs a {n} look|{o} could use a {n} tone|shift {o} to {n} tones|i'd like {n} colors in {o}|"
    "i want {n} colours|{o} wants a {n} filter|bring {n} tones into {o}|give {o} {n} colours|{n} light please"
).split("|")

PHRASES = {
    "bw": "desaturate {o}|desaturate {o}|remove the color|remove the colors|remove all color|remove all colour from {o}|"
    "take the color out|take the color out of {o}|take out all the colors|strip the color|strip the colors away|"
    "drop the color|drop all colors|get rid of the color|get rid of all colors|no color|no colors|without color|"
    "without any colour|delete the color|kill the colors|lose the color|take the colors away|take away the color|take away all color from {o}|discard the colors|zero saturation|"
    "set saturation to zero|drain the color from {o}|only gray tones|only shades of gray|shades of grey|"
    "use only black and white|only black and white|{o} without color|gray tones only|remove the saturation completely|"
    "turn off the color|convert to shades of grey|make the colors disappear|i do not want any color|wash out all color|"
    "black white|grey it out|gray out {o}|like an old black and white movie|black and white like an old film|"
    "no colour, just black and white",
    "invert": "invert {o}|invert {o}|invert|invert the colors|invert the colors|invert the colours|invert colors|invert all colors|"
    "invert all the colours|reverse the colors|reverse the colours of {o}|flip the colors|flip the colours|negate {o}|"
    "negate the colors|swap the colors for their opposites|use opposite colors|opposite colors|complementary colors|"
    "use complementary colors|swap light and dark|swap dark and light|like a film negative|make {o} look like a negative|"
    "turn {o} into its negative|replace each color with its opposite|color inversion|invert the color {of}|reverse colors|"
    "inverted colors|inverse colors|inverse the colors|show the negative {of}|negative|reversal of colors|"
    "replace colors by their complement|inversion|do a color inversion|reversal|do a colour reversal|a reversal of all colours|colors in reverse|white becomes black and black becomes white|"
    "turn white into black and black into white|dark becomes light and light becomes dark|switch to opposite colors|"
    "make every color its opposite|make the colors opposite|invert everything|make the colors inverted|flip all colours",
    "sepia": "sepia tone|sepia toning|tone {o} sepia|tone {o} in sepia|make {o} look like an old photo|like an old photograph|"
    "make {o} look old|an old photo look|look like an antique photo|give {o} an old brown tone|make {o} look aged|"
    "age {o}|age the photo|brown vintage tone|old brown photo|old photo|vintage photo|retro photo|make {o} look vintage|"
    "make {o} look antique|make {o} look retro|old-timey|old timey look|sepia {o}|sepiatone|old west style|western sepia style|"
    "like grandma's old photo|like a photo from {y}|make {o} look like a photo from {y}|as if it was from {y}|it should look like it is from the old days|make {o} look a hundred years old|from the year {y}|like it was taken in {y}|make {o} look as if it is from {y}|a photograph from {y}|make {o} look like it was made in {y}|turn {o} into an old photo|as if taken a hundred years ago|"
    "yellowed old photograph|a nostalgic brown tint|brown tint|add a brown tint|vintage filter|old photo filter|"
    "give {o} an antique look|sepia colors|an aged photograph look|old photo effect|make {o} look like an antique",
    "brighter": "brighten {o}|brighten {o}|brighten {o} up|brighten up {o}|brighten|lighten {o}|lighten {o} up|lighten up {o}|"
    "lighten|light up {o}|light {o} up|illuminate {o}|{o} is too dark|{o} is too dark, fix it|too dark|it's too dark|"
    "{o} is underexposed|fix the underexposed photo|not bright enough|{o} is not bright enough|{o} looks too dark|"
    "more light|more light please|give {o} more light|add light|add some light|let in more light|shine more light on {o}|"
    "brightness up|brightness higher|exposure up|turn the brightness up|turn the lights up|make the light stronger|"
    "i can't see anything, too dark|make {o} easier to see, it is dark|open up the shadows|so dark, fix it|"
    "increase how bright {o} is|bring {o} out of the dark|improve the brightness|fix the darkness|it is dim, brighten it|"
    "turn the exposure up|make {o} shine brighter|raise exposure|bring more light into {o}|turn on the light",
    "darker": "darken {o}|darken {o}|darken|darken {o} down|dim {o}|dim {o}|dim|dim the light|dim the lights|dim {o} down|"
    "{o} is too bright|{o} is too bright, fix it|too bright|it's too bright|{o} is overexposed|fix the overexposed photo|"
    "{o} looks too bright|less light|use less light|give {o} less light|remove some light|take away light|brightness down|"
    "exposure down|turn the brightness down|turn the lights down|turn down the lights|too much light|there is too much light|"
    "not dark enough|{o} is not dark enough|shade {o}|make the light weaker|block some light|add shadow|add shadows|"
    "too much brightness, fix it|so bright, fix it|lower exposure|turn the exposure down|make {o} less light|"
    "it hurts my eyes, too bright|tone {o} down to dark|underexpose {o}|{o} is washed out by light, darken it",
    "warmer": "warm {o}|warm {o} up|warm up {o}|warm up|warm up the colors|warm tones|warmer tones|warm colors|warmer colors|"
    "use warm tones|add warm light|warm light|add a golden glow|golden glow|add warm tones|add a warm tint|warm tint|"
    "{o} is too cold|{o} is too blue|{o} looks too cold|too cold|too blue|{o} is too cool|not warm enough|"
    "shift {o} to warm|shift the colors towards orange|make the tones warmer|make the colors warmer|make the light warmer|"
    "make the white balance warmer|warmer white balance|give {o} a warm glow|like a warm sunset|a warm summer look|"
    "warm the tones|push {o} to warm tones|shift to warmer hues|warmer hues|warm hues|add an orange tint|"
    "make {o} look like golden hour|sunset colors|sunset light|a sunny warm mood|candle light mood|warm the photo",
    "cooler": "cool {o}|cool {o} down|cool down {o}|cool down|cool down the colors|cool tones|cooler tones|cold colors|"
    "cooler colors|cool colors|colder colors|use cool tones|add cold light|cold light|add a blue tint|blue tint|cool tint|"
    "{o} is too warm|{o} is too yellow|{o} is too orange|{o} looks too warm|too warm|too yellow|too orange|not cool enough|"
    "shift {o} to cool|shift the colors towards blue|make the tones cooler|make the colors cooler|make the colours colder|"
    "make the light colder|make the white balance cooler|cooler white balance|give {o} a cold look|like a cold winter day|"
    "a cold winter look|cool the tones|push {o} to cool tones|shift to cooler hues|cooler hues|cold hues|add a bluish tint|"
    "icy colors|moonlight mood|a frosty mood|give {o} a blue tone|an icy look|make the colours cooler|chill the colors",
    "keep": "keep {o} as it is|keep {o} as is|leave {o} as it is|leave {o} as is|do nothing|don't change anything|"
    "do not change anything|change nothing|no change|no changes|no edit|leave {o} unchanged|keep {o} unchanged|leave {o} alone|"
    "don't touch {o}|do not touch {o}|do not touch anything|don't touch anything at all|do not change {o} at all|do not alter {o} at all|don't touch {o} at all|never touch {o}|please don't touch {o}, not at all|no change at all|do not edit {o} at all|no change to {o}|there is nothing to change|keep {o} the same|same|same picture|the same picture|stay the same|keep the original|"
    "return the original|the original please|give me the original|don't edit {o}|do not edit {o}|nothing|unchanged|as is|"
    "just copy {o}|copy {o}|don't do anything|do not alter {o}|don't alter anything|{o} is fine|{o} is perfect already|"
    "{o} is good as it is|it is fine, leave it|leave everything the same|keep everything as it is|let {o} stay as it is|"
    "without changes|exactly the same|{o} unchanged|make no changes|make no edits|nothing to change|i like {o} as it is|"
    "preserve {o}|reproduce {o} exactly|keep the colors as they are|keep all colors the same|no filter|no filter please",
}
