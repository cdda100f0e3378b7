"""How users ask for edits of scenes, with slots as in `phrases/english_scenes.py`; and strings no training asks for.

Data only. Everyday sentences may be met in training; held-out sentences and strings never are.
"""

from __future__ import annotations

EVERYDAY: dict[str, dict[str, tuple[str, ...]]] = {
    "recolour": {"en": ("make {t} {c}", "change the color of {t} to {c}"), "zh": ("把{t}变成{c}", "把{t}的颜色改成{c}")},
    "remove": {"en": ("remove {t}", "delete {t}"), "zh": ("去掉{t}", "删除{t}")},
    "add": {"en": ("add {n} {w}", "put {n} {w}"), "zh": ("在{w}加{n}", "在{w}添加{n}")},
    "background": {"en": ("make the background {c}", "change the background to {c}"), "zh": ("把背景换成{c}", "{c}背景")},
    "text": {"en": ("change the text to {q}", "make the sign say {q}"), "zh": ("把文字改成{q}", "把文字换成{q}")},
    "untext": {"en": ("remove the text", "erase the text"), "zh": ("去掉文字", "删除文字")},
    "translate": {"en": ("translate the sign", "translate the text"), "zh": ("翻译牌子", "翻译文字")},
    "snow": {"en": ("make it snow", "add snow"), "zh": ("下雪", "加雪")},
    "rain": {"en": ("make it rain", "add rain"), "zh": ("下雨", "加雨")},
}  # fmt: skip

HELDOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "recolour": {
        "en": ("could {t} be {c} instead?", "i would rather see {t} in {c}", "let's see {t} painted {c}", "repaint {t} so that it is {c}"),
        "zh": ("我希望{t}是{c}的", "{t}如果是{c}就好了", "请给{t}换个颜色，换成{c}", "麻烦将{t}涂为{c}"),
    },
    "remove": {
        "en": ("{t} has to disappear", "can you take {t} off the photo?", "without {t} it would look better", "please make {t} go away"),
        "zh": ("这里不应该有{t}", "请把{t}从图里拿掉", "没有{t}会更好看", "能让{t}不见吗"),
    },
    "add": {
        "en": ("how about {n} {w}?", "{w}, please draw {n}", "i am missing {n} {w}", "could we have {n} {w}"),
        "zh": ("{w}应该有{n}", "请给我在{w}画上{n}", "{w}还缺{n}", "能不能在{w}摆{n}"),
    },
    "background": {
        "en": ("what is behind should be {c}", "put it all in front of {c}", "could the background become {c}?", "i need everything behind it to be {c}"),
        "zh": ("后面全部变成{c}", "我需要{c}的底", "背景能不能是{c}的", "请给它配一个{c}的背景"),
    },
    "text": {
        "en": ("could the sign say {q} instead?", "instead of that, write {q}", "it should read {q}", "the new text is {q}"),
        "zh": ("牌子上应该写{q}", "请写成{q}", "新的文字是{q}", "我要它显示{q}"),
    },
    "untext": {
        "en": ("nothing should be written there", "leave the sign empty", "please take the words away", "i want it without any letters"),
        "zh": ("上面什么都不要写", "请把字都抹去", "牌子上不留字", "我想要一块空牌子"),
    },
    "translate": {
        "en": ("say the same in the other language", "could you translate what is written there?", "what the sign says, but translated", "i need this sign translated"),
        "zh": ("请用另一种语言写", "上面的字帮忙翻译", "同样的意思换种语言", "牌子上写的请翻译出来"),
    },
    "snow": {
        "en": ("what would it look like in falling snow?", "i wish it were snowing", "snowflakes everywhere", "give me a snowfall"),
        "zh": ("如果在下雪会怎样", "我想看雪花飘落", "到处都是雪", "来一场雪"),
    },
    "rain": {
        "en": ("what would it look like in the rain?", "i wish it were raining", "raindrops everywhere", "give me a rain shower"),
        "zh": ("如果在下雨会怎样", "我想看雨滴落下", "到处都是雨", "来一场雨"),
    },
}  # fmt: skip

#: looked at only after all training
FRESH: dict[str, dict[str, tuple[str, ...]]] = {
    "recolour": {"en": ("swap the color of {t} with {c}", "{t} but {c}"), "zh": ("{t}给我弄个{c}", "{c}的话{t}更好看")},
    "remove": {"en": ("lose {t}", "{t} needs to go"), "zh": ("{t}碍眼，弄走", "我不想看到{t}")},
    "add": {"en": ("pop {n} {w}", "{n} would be nice {w}"), "zh": ("{w}弄{n}", "想在{w}看到{n}")},
    "background": {"en": ("solid {c} behind everything", "ditch the background, use {c}"), "zh": ("背景统统{c}", "后面弄成{c}")},
    "text": {"en": ("should say {q}", "new wording: {q}"), "zh": ("字要写{q}", "改个字，写{q}")},
    "untext": {"en": ("blank it out", "strip the writing off"), "zh": ("字都不要", "弄成没字的")},
    "translate": {"en": ("other language please", "same thing but translated"), "zh": ("换个语言", "翻成另外一种话")},
    "snow": {"en": ("snow everywhere pls", "bring on the snow"), "zh": ("雪下起来", "弄个下雪的感觉")},
    "rain": {"en": ("rain everywhere pls", "bring on the rain"), "zh": ("雨下起来", "弄个下雨的感觉")},
}  # fmt: skip

#: what signs are asked to show when it is judged, in capitals and in Chinese
LATIN = "CAFE|BAKERY|CINEMA|GARDEN|PIZZA|MUSIC|TODAY|BOOKS|RIVER|GATE7|TAXI24|ROOM12|K9|2027|A1|ZQX|VWKM|J4TP8|QUICKFOX|M3XZ81RD"
HAN = "天气|大门|学生|开门|火山|国王|月光|雨天|上学|日出|书房|风|雪|金|七八|不可|山水画|天安门|小学生|大风雪|三月五日|春风千里|人山人海|你我他她"
STRINGS = frozenset((*LATIN.split("|"), *HAN.split("|")))
