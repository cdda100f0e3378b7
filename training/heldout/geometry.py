"""How users ask for mirror, flip, quarter turns and zoom. Data only."""

from __future__ import annotations

EVERYDAY: dict[str, dict[str, tuple[str, ...]]] = {
    "mirror": {
        "en": ("mirror it", "flip horizontally", "mirror the image"),
        "zh": ("镜像", "左右翻转", "水平翻转"),
    },
    "flip": {
        "en": ("flip it upside down", "flip vertically", "turn it upside down"),
        "zh": ("上下翻转", "上下颠倒", "垂直翻转"),
    },
    "left": {
        "en": ("rotate left", "rotate 90 degrees counterclockwise", "turn it left"),
        "zh": ("向左旋转", "逆时针旋转90度", "左转90度"),
    },
    "right": {
        "en": ("rotate right", "rotate 90 degrees clockwise", "turn it right"),
        "zh": ("向右旋转", "顺时针旋转90度", "右转90度"),
    },
    "zoom": {
        "en": ("zoom in", "zoom in on the center", "Enlarge the middle"),
        "zh": ("放大", "放大中间", "放大中心部分"),
    },
}  # fmt: skip

HELDOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "mirror": {
        "en": ("swap the left and right sides", "show it as I'd see it in a mirror", "what is left should be on the right", "reflect the photo from side to side"),
        "zh": ("请把左边和右边对调", "像照镜子那样", "把照片左右反过来", "做水平方向的镜像"),
    },
    "flip": {
        "en": ("the sky should be at the bottom", "swap the top and the bottom", "hang the picture upside down please", "show the photo the wrong way up"),
        "zh": ("请把照片倒过来", "让天在下面，地在上面", "头朝下的样子", "上面和下面对调"),
    },
    "left": {
        "en": ("turn the photo a quarter to the left", "give it one turn against the clock", "please rotate my picture anticlockwise", "the right side should become the top"),
        "zh": ("请把照片往左转九十度", "这张图逆时针转", "图片向左边转四分之一圈", "把右边转到上面去"),
    },
    "right": {
        "en": ("rotate my photo like the hands of a clock", "a quarter turn clockwise please", "the left side should become the top", "could you turn this image right by 90°?"),
        "zh": ("请把图片往右转九十度", "按顺时针方向转一次", "照片向右转四分之一圈", "把左边转到上面去"),
    },
    "zoom": {
        "en": ("bring the middle of the photo closer", "show the center twice as large", "I want a closer look at the middle", "fill the picture with its central part"),
        "zh": ("请把镜头拉近", "画面中央放大两倍", "让中间的东西变大", "只看中间，放大来看"),
    },
}  # fmt: skip

FRESH: dict[str, dict[str, tuple[str, ...]]] = {
    "mirror": {
        "en": ("my selfie is reversed, flip it left to right", "turn it into its mirror image", "horizontal flip pls"),
        "zh": ("左右换个位置", "自拍反了，帮我镜像回来", "弄成镜子里的样子"),
    },
    "flip": {
        "en": ("stand it on its head", "top goes to the bottom and vice versa", "vertical flip for this one"),
        "zh": ("整张图倒立", "弄成倒着的", "天地反过来"),
    },
    "left": {
        "en": ("spin it 90 to the left", "needs a counter-clockwise turn", "tip the picture over to its left side"),
        "zh": ("照片歪了，往左转一次", "逆时针转个直角", "把图往左侧放倒"),
    },
    "right": {
        "en": ("spin it 90 to the right", "shot came out sideways, rotate to the right", "turn it clockwise once"),
        "zh": ("顺时针转个九十度", "往右边拧一下", "横过来，朝右转"),
    },
    "zoom": {
        "en": ("get closer", "make the thing in the middle bigger", "2x zoom please"),
        "zh": ("凑近看", "中间那块放大", "两倍变焦"),
    },
}  # fmt: skip
