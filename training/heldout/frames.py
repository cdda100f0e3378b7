"""How users ask for a frame of one of six colours. Data only."""

from __future__ import annotations

EVERYDAY: dict[str, dict[str, tuple[str, ...]]] = {
    "frame white": {
        "en": ("add a white frame", "white border"),
        "zh": ("加白色边框", "白色相框"),
    },
    "frame black": {
        "en": ("add a black frame", "black border"),
        "zh": ("加黑色边框", "黑色相框"),
    },
    "frame red": {
        "en": ("add a red frame", "red border"),
        "zh": ("加红色边框", "红色相框"),
    },
    "frame yellow": {
        "en": ("add a yellow frame", "yellow border"),
        "zh": ("加黄色边框", "黄色相框"),
    },
    "frame green": {
        "en": ("add a green frame", "green border"),
        "zh": ("加绿色边框", "绿色相框"),
    },
    "frame blue": {
        "en": ("add a blue frame", "blue border"),
        "zh": ("加蓝色边框", "蓝色相框"),
    },
}  # fmt: skip

HELDOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "frame white": {
        "en": ("put my photo in a white frame", "I want a white edge all around"),
        "zh": ("请在照片四周加白边", "用白色框起来"),
    },
    "frame black": {
        "en": ("surround the picture with a black edge", "please hang it in a black frame"),
        "zh": ("照片外面围一圈黑色", "请配上黑色的画框"),
    },
    "frame red": {
        "en": ("could you draw a red border around this?", "my picture deserves a red frame"),
        "zh": ("用红框把图片框住", "请给画面镶上红边"),
    },
    "frame yellow": {
        "en": ("frame this photo in yellow", "the border should be yellow"),
        "zh": ("我想要黄色的边", "请装进黄色的框里"),
    },
    "frame green": {
        "en": ("enclose the image in a green border", "I'd like green around the outside"),
        "zh": ("给这张图围上绿边", "把照片放进绿色画框"),
    },
    "frame blue": {
        "en": ("give the edges of my photo a blue frame", "a blue line around the whole picture"),
        "zh": ("图片四周要蓝色边框", "请加一道蓝边"),
    },
}  # fmt: skip

FRESH: dict[str, dict[str, tuple[str, ...]]] = {
    "frame white": {
        "en": ("white polaroid style border around it",),
        "zh": ("给它套个白框",),
    },
    "frame black": {
        "en": ("black edges on all four sides pls",),
        "zh": ("四边都加黑框",),
    },
    "frame red": {
        "en": ("something red around the edges, like a frame",),
        "zh": ("边上弄一圈红的",),
    },
    "frame yellow": {
        "en": ("yellow picture frame please",),
        "zh": ("外圈来个黄框",),
    },
    "frame green": {
        "en": ("stick a green frame on it",),
        "zh": ("框成绿色的",),
    },
    "frame blue": {
        "en": ("how about a border in blue",),
        "zh": ("蓝框框住它",),
    },
}  # fmt: skip
