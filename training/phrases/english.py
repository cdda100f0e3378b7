"""English words that all families share: objects, openings, endings, frames and degrees. Data only.

Slots: `{o}` an object ("it", "the photo" …), `{of}` "" or "of the photo", `{year}` a year long ago; `{a}`, `{n}`, `{c}`,
`{m}` a family's adjective, noun, complaint or amount; `{d}` a degree or nothing.
"""

from collections.abc import Sequence

PICTURES = (
    "it|it|it|it|this|this|the picture|the photo|the image|this picture|this photo|this image|my photo|my picture|"
    "the photograph|the pic|this pic|the whole picture|the whole image|the entire photo|the scene|the shot|this shot|"
    "my image|everything|that picture|the snapshot|this photograph|image|photo|picture|pic|this one|that one|my selfie|"
    "the uploaded photo|the whole thing|all of it|this scene|our photo|the picture i sent|the portrait|this shot here"
).split("|")
COLOURS = "the colors|the colours|the colors of the photo|the colours of the picture".split("|")
SLOTS = {
    "of": ("", "of {o}"),
    "year": tuple(str(year) for year in range(1860, 1936)),
    "decade": tuple(
        "the 1860s|the 1880s|the 1890s|the 1900s|the 1910s|the 1920s|the 1930s|the 20s|the 30s|the twenties|the thirties|the 19th century|"
        "the nineteenth century|the roaring twenties|the victorian era|the early 20th century|the wild west|the turn of the century".split("|")
    ),
    "turn": ("rotate", "rotate", "turn", "spin"),
    "ninety": ("", "", "90 degrees", "by 90 degrees", "90°", "by 90°", "by 90", "ninety degrees", "by ninety degrees", "a quarter turn", "90 deg"),
    "lefthand": ("left", "to the left", "counterclockwise", "counter-clockwise", "anticlockwise", "anti-clockwise", "leftwards", "ccw"),
    "righthand": ("right", "to the right", "clockwise", "clockwise", "rightwards", "cw"),
    "middle": ("middle", "center", "centre", "central part", "middle part"),
    "border": ("frame", "frame", "border", "border", "picture frame", "photo frame", "edging"),
    "stray": tuple("purple|pink|orange|brown|gold|golden|silver|grey|gray|violet|turquoise|rainbow|wooden|black and white|beige|cyan|striped".split("|")),
    "degrees": tuple("45|45|30|10|15|60|180|180|5|20|120|75|few".split("|")),
    "white": ("white", "white", "white", "snow white", "plain white", "bright white"),
    "black": ("black", "black", "black", "jet black", "deep black", "plain black"),
    "red": ("red", "red", "red", "bright red", "dark red", "crimson", "scarlet"),
    "yellow": ("yellow", "yellow", "yellow", "bright yellow", "lemon yellow", "sunny yellow"),
    "green": ("green", "green", "green", "bright green", "dark green", "grass green", "emerald"),
    "blue": ("blue", "blue", "blue", "bright blue", "dark blue", "sky blue", "navy blue", "royal blue"),
}  # fmt: skip
OPENINGS = (
    "||||||please |please |can you |could you |could you please |can you please |i want you to |i would like you to |"
    "i'd like you to |just |now |hey, |kindly |let's |would you |would you please |go ahead and |you should |"
    "i need you to |we should |simply |ok, |hi, please |try to |pls |help me |i want to |i'd like to |i'd like |i want |can i have |how about "
).split("|")
ENDINGS = (
    "||||||||.|.|.|!|?| please| please|, please|, please.| pls| thanks|, thanks|, thank you| for me| now| if you can|"
    " if possible|...| thx| right now| for my album| and nothing else| here| asap| when you can| ok?|!!| in this picture| in my photo|, would you?"
).split("|")

#: degree → where it stands → words: before an adjective, before a verb, before a noun, after everything
DEGREES: dict[str, dict[str, Sequence[str]]] = {
    "slightly": {
        "adjective": "a bit|a bit|a little|a little|a little bit|slightly|slightly|somewhat|a touch|a tad|just a bit|just a little|only slightly|ever so slightly|a tiny bit|a wee bit|a shade".split(
            "|"
        ),
        "verb": "slightly|slightly|gently|somewhat|just slightly|subtly|a bit|only slightly".split("|"),
        "noun": "slightly|slightly|slight|subtle|somewhat|mild".split("|"),
        "after": "a bit|a bit|a little|a little|slightly|slightly|a little bit|somewhat|a touch|a tad|just a bit|just a little|ever so slightly|a tiny bit|by a small amount|a notch".split(
            "|"
        ),
    },
    "much": {
        "adjective": "much|much|much|a lot|a lot|way|far|very|very|really|so much|extremely|strongly|significantly|considerably|super|very very|a great deal|dramatically|a whole lot|massively".split(
            "|"
        ),
        "verb": "strongly|strongly|heavily|significantly|dramatically|massively|drastically|greatly|really|considerably".split(
            "|"
        ),
        "noun": "much|very|very|strong|strongly|way|heavy|intense|extremely".split("|"),
        "after": "a lot|a lot|a lot|very much|a great deal|strongly|by a lot|significantly|dramatically|heavily|a whole lot|massively|drastically|considerably|a ton|way more".split(
            "|"
        ),
    },
}

UP = (
    "increase|increase|raise|boost|turn up|up|bump up|crank up|pump up|push up|bring up|enhance|strengthen|dial up|"
    "add more|add|give more|more|more|higher|amplify|step up|heighten|intensify"
).split("|")
DOWN = (
    "decrease|decrease|reduce|reduce|lower|turn down|drop|cut|cut down|bring down|dial down|dial back|lessen|diminish|push down|"
    "tone down|take down|less|less|weaken|pull down|cut back|remove some of|soften"
).split("|")
#: with a place for a degree, and no "the" before the amount
MORE_FRAMES = (
    "{d} more {m}|{d} more {m}|{o} needs {d} more {m}|i want {d} more {m}|{d} more {m} in {o}|give {o} {d} more {m}|with {d} more {m}|"
    "the {m} should be {d} higher|make the {m} {d} higher|{m} {d} higher|{o} should have {d} more {m}|add {d} more {m}|{o} with {d} more {m}"
).split("|")
LESS_FRAMES = (
    "{d} less {m}|{d} less {m}|{o} needs {d} less {m}|i want {d} less {m}|{d} less {m} in {o}|give {o} {d} less {m}|with {d} less {m}|"
    "the {m} should be {d} lower|make the {m} {d} lower|{m} {d} lower|{o} should have {d} less {m}|use {d} less {m}|{o} with {d} less {m}"
).split("|")

ADJECTIVE_FRAMES = (
    "make {o} {a}|make {o} {a}|make {o} {a}|make {o} look {a}|turn {o} {a}|i want {o} {a}|i want {o} to be {a}|"
    "{o} should be {a}|let {o} be {a}|render {o} {a}|{a}|{a}|{a}|get {o} {a}|have {o} {a}|change {o} to be {a}|"
    "i need {o} {a}|{o} but {a}|make {o} appear {a}|{o} must be {a}|show {o} {a}|edit {o} to be {a}|"
    "set {o} to {a}|i'd prefer {o} {a}|i like {o} {a}|make {o} become {a}|give me {o} {a}|paint {o} {a}|a {a} one|"
    "can {o} be {a}|could {o} be {a}|i'd like {o} {a}|i'd love {o} {a}|{o} needs to be {a}|{o} has to be {a}|{o} could be {a}|"
    "{o} would look better {a}|a {a} version {of}|can we have {o} {a}|{o} {a}|go {a}"
).split("|")
NOUN_FRAMES = (
    "convert {o} to {n}|convert {o} into {n}|change {o} to {n}|change {o} into {n}|turn {o} into {n}|turn {o} into a {n} photo|"
    "turn {o} into a {n} picture|turn {o} into a {n} image|make {o} a {n} photo|make {o} into a {n} image|"
    "apply a {n} filter|apply {n} filter|apply a {n} effect|apply {n}|add a {n} filter|add a {n} effect|add {n} effect|"
    "give {o} a {n} look|give {o} a {n} style|give {o} a {n} feel|use a {n} filter|use {n}|{n} version|a {n} version {of}|"
    "{n}|{n} please|{n} filter|{n} effect|{n} style|{n} look|{n} photo|{n} picture|{n} image|in {n}|{o} in {n}|show {o} in {n}|"
    "i want a {n} version {of}|i want a {n} photo|i want {o} in {n}|make a {n} version {of}|transform {o} into {n}|"
    "put a {n} filter on {o}|create a {n} version|switch to {n}|go {n}|{n} mode|render {o} in {n}|make {o} {n} style|"
    "set {o} to {n}|edit {o} into {n}|a {n} look for {o}|process {o} as {n}|give me a {n} version {of}|"
    "i need a {n} copy {of}|have {o} in {n}|make {o} look like a {n} photo|like a {n} photograph|redo {o} in {n}|try {n}|"
    "do {n}|with a {n} effect|go for {n}|{n} it|in a {n} style|make {o} look {n}|as a {n} picture|set the style to {n}|style: {n}|"
    "turn on {n} mode|{o} with a {n} filter|filter: {n}|a {n} rendition {of}|let {o} be {n}"
).split("|")
#: for families of colour and light only
TINT_FRAMES = (
    "{n} tones|{n} colors|{n} tint|{o} needs a {n} tint|{o} needs a {n} look|{o} could use a {n} tone|shift {o} to {n} tones|"
    "i'd like {n} colors in {o}|i want {n} colours|{o} wants a {n} filter|bring {n} tones into {o}|give {o} {n} colours|"
    "{n} light please"
).split("|")
#: "{o} looks cold, make it warmer": with a cure, and those that leave the cure to the reader
COMPLAINT_FRAMES = (
    "{o} is {d} too {c}, make it {a}|{o} looks {c}, make it {a}|{o} looks {d} too {c}, make it {a}|{o} seems {c}, i want it {a}|"
    "{o} is {c}, it should be {a}|{d} too {c}, make {o} {a}|{o} is {c}, please make {o} {a}|{o} looks {c}, i'd like it {a}|"
    "{o} is {d} too {c}, it should be {a}"
).split("|")
CURELESS_FRAMES = (
    "{o} is too {c}|{o} is too {c}, fix it|too {c}|it's too {c}|{o} looks too {c}|not so {c}|less {c} please|"
    "why is {o} so {c}|make {o} less {c}|make {o} not so {c}|it is so {c}, fix it|{o} shouldn't be so {c}"
).split("|")
