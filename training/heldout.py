"""The sentences `mini` is judged by: everyday ones the grammar may produce, and held-out ones it never does.

Data only. Held-out sentences are either new combinations of words that training has seen, or whole phrasings that
the grammar has no rule for. `training.prompts` throws away any draw that equals one.
"""

from __future__ import annotations

#: family → language → sentences a user would type first; training may have met them
EVERYDAY: dict[str, dict[str, tuple[str, ...]]] = {
    "bw": {
        "en": (
            "make it black and white",
            "turn this into a black and white photo",
            "Black and white please",
            "grayscale",
        ),
        "zh": ("变成黑白照片", "黑白", "把图片变成黑白的", "去色"),
    },
    "invert": {
        "en": ("invert the colors", "invert", "Make it a negative", "reverse the colors"),
        "zh": ("反色", "反转颜色", "变成负片", "把颜色反过来"),
    },
    "sepia": {
        "en": ("make it sepia", "apply a sepia filter", "Sepia tone", "make it look like an old photo"),
        "zh": ("复古棕褐色", "变成棕褐色", "老照片效果", "怀旧风格"),
    },
    "brighter": {
        "en": ("brighter", "make it brighter", "raise the brightness", "Brighten the photo, please"),
        "zh": ("变亮一点", "调亮", "提高亮度", "让照片更亮"),
    },
    "darker": {
        "en": ("make it darker", "dim the photo", "lower the brightness", "Darken it"),
        "zh": ("调暗", "变暗一点", "降低亮度", "让照片更暗"),
    },
    "warmer": {
        "en": ("warmer please", "make it warmer", "warmer tones", "Warm up the colors"),
        "zh": ("暖色调", "变暖一点", "把照片调成暖色", "色调暖一点"),
    },
    "cooler": {
        "en": ("make the colours cooler", "make it cooler", "cooler tones", "Cool down the colors"),
        "zh": ("冷色调", "变冷一点", "把照片调成冷色", "色调冷一点"),
    },
    "keep": {
        "en": ("keep it as it is", "leave it unchanged", "Don't change anything"),
        "zh": ("保持不变", "不要改变", "保持原样"),
    },
}

HELDOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "bw": {
        "en": (
            "I would love to see this shot in monochrome",
            "strip every color from my photo",
            "only gray, no colors please",
            "could we have the image in black & white?",
            "take away all the colour",
            "please convert my picture to greyscale now",
        ),
        "zh": ("请把我的照片转为灰度图", "颜色全部不要", "我想看黑白的版本", "帮我把彩色照片改成单色，谢谢", "画面只要黑白", "把所有颜色去除吧"),
    },
    "invert": {
        "en": (
            "every color should become its opposite",
            "I want to see the negative of this picture",
            "please swap all colours for the opposite ones",
            "show my photo with inverted colours",
            "color reversal of the image please",
            "Could you invert this whole picture for me",
        ),
        "zh": ("我想要这张照片的底片", "请把图片的颜色全部反转", "做一个负片效果", "把这张图反色处理一下", "颜色都反过来吧", "画面取反，谢谢"),
    },
    "sepia": {
        "en": (
            "give this picture an old sepia look",
            "I'd like a vintage brown photograph",
            "make my photo look like it is from 1900",
            "tone the image in sepia brown please",
            "let this be an antique photograph",
            "please put an old sepia filter on the scene",
        ),
        "zh": ("给照片加一点怀旧的棕色", "我想要一张泛黄的旧照片", "请做成复古老照片的样子", "把这张图染成褐色吧", "用怀旧棕色滤镜，谢谢", "图片看起来像一百年前的老照片"),
    },
    "brighter": {
        "en": (
            "this picture needs more light",
            "please raise the exposure a little",
            "could the scene be a bit lighter?",
            "it looks dark, make it bright",
            "lift the brightness of my photo please",
            "I want to light up the whole image",
        ),
        "zh": ("这张照片再提亮一些吧", "请把画面的亮度提高", "图片有点暗，帮我调亮", "我希望整体更明亮", "光线太暗了，加点亮度", "照片的曝光再高一点"),
    },
    "darker": {
        "en": (
            "this picture needs less light",
            "please reduce the exposure a little",
            "could the scene be a bit dimmer?",
            "it looks too bright, make it dark",
            "bring down the brightness of my photo please",
            "I want to darken the whole image",
        ),
        "zh": ("这张照片再压暗一些吧", "请把画面的亮度降低", "图片有点亮，帮我调暗", "我希望整体更昏暗", "光线太亮了，减点亮度", "照片的曝光再低一点"),
    },
    "warmer": {
        "en": (
            "I'd like warmer colours in this picture",
            "please raise the warmth of my photo",
            "could the light be a bit warmer?",
            "it looks cold, make it warm",
            "shift the whole image to golden tones",
            "this photo needs a warm tint",
        ),
        "zh": ("这张照片再暖一些吧", "请把画面的色温调暖", "图片有点冷，帮我调暖", "我希望整体更温暖", "颜色太蓝了，加点暖色", "给照片一点夕阳的暖光"),
    },
    "cooler": {
        "en": (
            "I'd like colder colours in this picture",
            "please reduce the warmth of my photo",
            "could the light be a bit cooler?",
            "it looks warm, make it cold",
            "shift the whole image to icy blue tones",
            "this photo needs a cool tint",
        ),
        "zh": ("这张照片再冷一些吧", "请把画面的色温调冷", "图片有点暖，帮我调冷", "我希望整体更清冷", "颜色太黄了，加点冷色", "给照片一点冬天的冷光"),
    },
    "keep": {
        "en": ("please leave my photo the way it is", "keep everything the same, no edits", "do not touch the picture at all", "no change for this image"),
        "zh": ("请让照片保持原来的样子", "图片什么都不用改", "千万别改动这张照片", "颜色和画面都保持不变"),
    },
}  # fmt: skip

#: as HELDOUT, but looked at only after all training: nothing was changed because of how these scored
FRESH: dict[str, dict[str, tuple[str, ...]]] = {
    "bw": {
        "en": ("remove all the colours from this snapshot", "my photo in black and white, thank you", "I want this scene without any color"),
        "zh": ("麻烦帮我把这幅图做成黑白照", "去除这张图片的色彩", "请给我一张灰度照片"),
    },
    "invert": {
        "en": ("please make a negative of my photo", "flip all the colors of the shot", "invert every colour in this image now"),
        "zh": ("帮我把整张图的颜色反转一下", "给这张照片做反相", "请把照片变成底片效果"),
    },
    "sepia": {
        "en": ("could you add a sepia tone to my image", "I want the photo to look vintage and brown", "make this shot an old brown photograph"),
        "zh": ("给我的照片加复古滤镜", "把这幅图变成怀旧老照片", "请加上棕褐色调效果"),
    },
    "brighter": {
        "en": ("my photo is too dark, please brighten it", "turn up the light in this scene", "could you make the photograph a little lighter"),
        "zh": ("这张图太暗，请调亮一些", "麻烦把照片提亮一点", "我想让画面更亮一些"),
    },
    "darker": {
        "en": ("my photo is too bright, please darken it", "turn down the light in this scene", "could you make the photograph a little dimmer"),
        "zh": ("这张图太亮，请调暗一些", "麻烦把照片压暗一点", "我想让画面更暗一些"),
    },
    "warmer": {
        "en": ("please give my photo a warmer tone", "add some warmth to this scene", "the photograph should have warm colors"),
        "zh": ("请给照片加点暖色调", "麻烦把画面调得暖一点", "我想要暖色的照片"),
    },
    "cooler": {
        "en": ("please give my photo a cooler tone", "take some warmth out of this scene", "the photograph should have cool colors"),
        "zh": ("请给照片加点冷色调", "麻烦把画面调得冷一点", "我想要冷色的照片"),
    },
    "keep": {
        "en": ("leave this image exactly as it is", "please do not change my photo"),
        "zh": ("请不要修改我的照片", "这张图保持原样就好"),
    },
}  # fmt: skip

#: kind → sentences that ask for nothing this checkpoint offers; none of them occurs in training
HELDOUT_UNKNOWN: dict[str, tuple[str, ...]] = {
    "unrelated, en": (
        "the museum opens at ten on Sundays",
        "My sister plays the violin in an orchestra",
        "where did you buy those shoes?",
        "a dark knight rides a white horse",
        "the committee will vote on the budget next week",
        "Remember to water the plants",
    ),
    "unrelated, zh": (
        "博物馆星期天十点开门",
        "我姐姐在乐队里拉小提琴",
        "你的鞋子在哪里买的？",
        "下个星期要考数学",
        "他们在公园里下棋",
        "记得给植物浇水",
    ),
    "not offered, en": (
        "add a parrot on her shoulder",
        "remove the tourists from the square",
        "make it look like a comic book",
        "rotate the picture by 45 degrees",
        "increase the contrast of the photo",
        "make the jacket turquoise",
    ),
    "not offered, zh": (
        "在她肩膀上加一只鹦鹉",
        "把广场上的游客去掉",
        "变成漫画书的样子",
        "把图片旋转四十五度",
        "增加照片的对比度",
        "把外套变成青绿色",
    ),
    "random words": (
        "carpet seventeen lightly harbour",
        "banana protocol under violin",
        "ladder yes forty marble the",
        "桌球 水泥 昨天 七",
        "铅笔跑道的海绵",
        "river tax pillow green",
    ),
    "nonsense": ("xqzv wplk tnnd", "blorptifex", "asdf jkl;", "8f3k 29xq", "龘靐齉爩", "?!?!??"),
    "blank": (" ",),
}
