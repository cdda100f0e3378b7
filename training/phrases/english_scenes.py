"""How scenes are edited in English. Data only.

Slots: `{t}` the thing ("the red circle"), `{n}` a new one ("a blue star"), `{c}` a colour, `{w}` where ("on the left"), `{q}`
a quoted text, `{k}` what the board is ("sign"); `{l}` the lettering, `{b}` the backdrop, `{g}` language names.
"""

SLOTS = {
    "l": ("text", "text", "text", "words", "writing", "word", "lettering", "letters"),
    "b": ("background", "background", "backdrop", "whole background"),
    "on": ("", "", "", "on the {k}", "of the {k}", "on the {k}"),
}
PHRASES: dict[str, tuple[str, ...]] = {
    family: tuple(text.split("|"))
    for family, text in {
        "recolour": (
            "make {t} {c}|make {t} {c}|turn {t} {c}|color {t} {c}|colour {t} {c}|paint {t} {c}|change {t} to {c}|recolor {t} {c}|"
            "change the color of {t} to {c}|change the colour of {t} to {c}|recolour {t} to {c}|set the color of {t} to {c}|"
            "dye {t} {c}|give {t} a {c} color|fill {t} with {c}|{t} in {c}|i want {t} to be {c}|{t} should be {c}|turn {t} to {c}|"
            "make the color of {t} {c}|{t} has to be {c}|let {t} be {c}|{c} for {t}|switch {t} to {c}"
        ),
        "remove": (
            "remove {t}|remove {t}|delete {t}|erase {t}|take {t} away|take away {t}|get rid of {t}|take out {t}|take {t} out|"
            "make {t} disappear|clear {t}|wipe {t} away|remove {t} from the picture|i don't want {t}|no {t}|"
            "the picture without {t}|{t} should go|{t} should not be there|drop {t}|eliminate {t}|cut {t} out|hide {t}"
        ),
        "add": (
            "add {n} {w}|add {n} {w}|put {n} {w}|place {n} {w}|draw {n} {w}|insert {n} {w}|paint {n} {w}|{n} {w}|{w} add {n}|"
            "there should be {n} {w}|i want {n} {w}|{w} i want {n}|stick {n} {w}|give me {n} {w}|set {n} {w}|show {n} {w}|"
            "{w} there should be {n}|create {n} {w}|include {n} {w}"
        ),
        "background": (
            "make the {b} {c}|turn the {b} {c}|change the {b} to {c}|replace the {b} with {c}|{c} {b}|a {c} {b}|use a {c} {b}|"
            "set the {b} to {c}|fill the {b} with {c}|paint the {b} {c}|replace the {b} by {c}|color the {b} {c}|"
            "the {b} should be {c}|i want a {c} {b}|put everything on a {c} {b}|give it a {c} {b}|plain {c} {b}|swap the {b} for {c}"
        ),
        "text": (
            "change the {l} {on} to {q}|change the {l} to {q}|change the {l} to {q}|replace the {l} {on} with {q}|set the {l} {on} to {q}|"
            "make the {l} {on} say {q}|make the {k} say {q}|make the {k} read {q}|the {k} should say {q}|write {q} on the {k}|"
            "put {q} on the {k}|change the {k} to {q}|change it to {q}|the {l} should be {q}|i want the {k} to say {q}|let the {k} read {q}|"
            "turn the {l} into {q}|swap the {l} for {q}|edit the {l} to {q}|{q} on the {k}|make it say {q}|rewrite the {k} as {q}"
        ),
        "untext": (
            "remove the {l}|remove the {l} {on}|delete the {l} {on}|erase the {l} {on}|clear the {l} {on}|take the {l} off the {k}|"
            "make the {k} blank|an empty {k}|a blank {k}|no {l} on the {k}|get rid of the {l} {on}|wipe the {k} clean|"
            "empty the {k}|i don't want any {l} on the {k}|the {k} without {l}|the {k} should be empty|take away the {l} {on}"
        ),
        "translate": (
            "translate the {k}|translate the {l}|translate the {l} {on}|translate the {k} into the other language|"
            "translate the {k} please|translate what the {k} says|i want the {k} translated|give me a translation of the {k}|"
            "put the {k} in the other language|switch the language of the {k}|change the language of the {k}|translate it|"
            "show the {k} in the other language|the {k} should be in the other language|translate the {l} between english and chinese"
        ),
        "snow": (
            "make it snow|let it snow|add snow|add falling snow|make it snowy|it should be snowing|snow|snowy weather|a snowy day|"
            "put some snow in the picture|i want snow|turn it into a snowy scene|make the weather snowy|cover everything in snow|"
            "snowfall please|add snowflakes|winter snow|change the weather to snow|make it look like it is snowing"
        ),
        "rain": (
            "make it rain|let it rain|add rain|add falling rain|make it rainy|it should be raining|rain|rainy weather|a rainy day|"
            "put some rain in the picture|i want rain|turn it into a rainy scene|make the weather rainy|add raindrops|"
            "a heavy rain|rainfall please|change the weather to rain|make it look like it is raining|add a rain shower"
        ),
    }.items()
}
