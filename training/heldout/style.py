"""How users ask for styles: sketch, poster, mosaic, oil, blur, sharpen. Data only."""

from __future__ import annotations

EVERYDAY: dict[str, dict[str, tuple[str, ...]]] = {
    "sketch": {
        "en": ("pencil sketch", "turn it into a sketch", "make it a pencil drawing"),
        "zh": ("素描", "变成铅笔画", "素描风格"),
    },
    "poster": {
        "en": ("posterize", "make it a poster", "reduce the number of colors"),
        "zh": ("海报效果", "色调分离", "变成海报风格"),
    },
    "mosaic": {
        "en": ("pixelate it", "make it pixel art", "mosaic effect"),
        "zh": ("马赛克", "变成像素画", "像素风格"),
    },
    "oil": {
        "en": ("oil painting", "make it an oil painting", "Oil paint style"),
        "zh": ("油画", "变成油画", "油画风格"),
    },
    "blur": {
        "en": ("blur it", "make it blurry", "blur the photo"),
        "zh": ("模糊", "变模糊", "模糊效果"),
    },
    "sharpen": {
        "en": ("sharpen it", "make it sharper", "sharpen the photo"),
        "zh": ("锐化", "更清晰", "让照片更清晰"),
    },
}  # fmt: skip

HELDOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "sketch": {
        "en": ("draw this photo with a pencil", "I want it to look hand-drawn in graphite", "only pencil lines on white paper please", "could you sketch this picture for me?"),
        "zh": ("请用铅笔把照片画出来", "我想要手绘线稿的样子", "把这张图做成素描稿", "只留下铅笔线条"),
    },
    "poster": {
        "en": ("use only a few flat colours", "print it like an old poster", "I'd like large areas of plain color", "simplify the photo to five colors"),
        "zh": ("只用几种纯色来表现", "请把照片做成海报画", "颜色简化成几个色块", "我想要丝网印刷的感觉"),
    },
    "mosaic": {
        "en": ("build the picture from big square blocks", "I want it to look like an 8-bit game", "could my photo be made of tiles?", "show large pixels like an old computer"),
        "zh": ("请给整张图打上马赛克", "做成老游戏的像素风", "把照片变成一个个小方块", "我想要像素格子的效果"),
    },
    "oil": {
        "en": ("paint my photo with thick brush strokes", "it should look painted in oil on canvas", "could this look like a classical painting?", "please repaint the picture in oils"),
        "zh": ("请把照片画成一幅油画", "我想要油画笔触的感觉", "做成挂在墙上的油画", "用油彩重新画这张图"),
    },
    "blur": {
        "en": ("the whole picture should be out of focus", "I want to see no sharp edges", "please apply a gaussian blur", "smudge away all the fine details"),
        "zh": ("请把整张照片弄模糊", "让画面失去焦点", "做一个高斯模糊", "让照片看起来没对好焦"),
    },
    "sharpen": {
        "en": ("the edges should be crisp", "my photo looks soft, bring out the details", "could you make this picture clearer?", "please add sharpness to the whole image"),
        "zh": ("请增强照片的锐度", "照片不够清楚，帮我锐化", "让细节更分明", "边缘要清晰锐利"),
    },
}  # fmt: skip

FRESH: dict[str, dict[str, tuple[str, ...]]] = {
    "sketch": {
        "en": ("like someone drew it in a notebook", "pencil art version of my photo", "i need a line drawing of this"),
        "zh": ("像用铅笔随手画的", "给我一张铅笔素描图", "照片转线描"),
    },
    "poster": {
        "en": ("cut the palette down to a handful of colours", "concert poster look, flat colors", "make it look like a screen print"),
        "zh": ("颜色别太多，四五种就行", "弄成大色块那种海报", "平涂的海报感"),
    },
    "mosaic": {
        "en": ("make it blocky like a retro video game", "coloured squares instead of details", "pixel style version please"),
        "zh": ("像红白机游戏那样的画面", "整张糊成方格", "全图打码"),
    },
    "oil": {
        "en": ("like van Gogh painted it in oils", "brushy oil look for this one", "give me a painted canvas version"),
        "zh": ("像画家用油彩画的", "弄出油画的质感", "照片改油画"),
    },
    "blur": {
        "en": ("like I forgot to focus the camera", "make everything fuzzy", "soft blur over the full image please"),
        "zh": ("整个画面虚化", "糊掉这张图", "像近视眼看到的那样"),
    },
    "sharpen": {
        "en": ("too soft, i want crisp details", "turn the sharpness up", "make it nice and sharp"),
        "zh": ("把细节弄清楚", "图片太糊了，变清楚", "锐度拉高"),
    },
}  # fmt: skip
