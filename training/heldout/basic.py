"""How users ask for the first seven families, and for no change. Data only; a bit or a lot of one: `strengths.py`."""

from __future__ import annotations

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
        "zh": ("变亮", "调亮", "提高亮度", "让照片更亮"),
    },
    "darker": {
        "en": ("make it darker", "dim the photo", "lower the brightness", "Darken it"),
        "zh": ("调暗", "变暗", "降低亮度", "让照片更暗"),
    },
    "warmer": {
        "en": ("warmer please", "make it warmer", "warmer tones", "Warm up the colors"),
        "zh": ("暖色调", "变暖", "把照片调成暖色", "暖色"),
    },
    "cooler": {
        "en": ("make the colours cooler", "make it cooler", "cooler tones", "Cool down the colors"),
        "zh": ("冷色调", "变冷", "把照片调成冷色", "冷色"),
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
            "there should be more light in the scene",
            "could I have a brighter version of this?",
            "it looks dark, make it bright",
            "lift the brightness of my photo please",
            "I want to light up the whole image",
        ),
        "zh": ("请给这张照片提亮", "请把画面的亮度提高", "图片偏暗，帮我调亮", "我希望整体更明亮", "光线太暗了，补足亮度", "照片的曝光要提高"),
    },
    "darker": {
        "en": (
            "this picture needs less light",
            "there should be less light in the scene",
            "could I have a darker version of this?",
            "it looks too bright, make it dark",
            "bring down the brightness of my photo please",
            "I want to darken the whole image",
        ),
        "zh": ("请给这张照片压暗", "请把画面的亮度降低", "图片偏亮，帮我调暗", "我希望整体更昏暗", "光线太亮了，减弱亮度", "照片的曝光要降低"),
    },
    "warmer": {
        "en": (
            "I'd like warmer colours in this picture",
            "please raise the warmth of my photo",
            "could the light be warmer here?",
            "it looks cold, make it warm",
            "shift the whole image to golden tones",
            "this photo needs a warm tint",
        ),
        "zh": ("请让这张照片暖起来", "请把画面的色温调暖", "图片偏冷，帮我调暖", "我希望整体更温暖", "颜色太蓝了，换成暖色", "给照片壁炉那样的暖光"),
    },
    "cooler": {
        "en": (
            "I'd like colder colours in this picture",
            "please reduce the warmth of my photo",
            "could the light be cooler here?",
            "it looks warm, make it cold",
            "shift the whole image to icy blue tones",
            "this photo needs a cool tint",
        ),
        "zh": ("请让这张照片冷下来", "请把画面的色温调冷", "图片偏暖，帮我调冷", "我希望整体更清冷", "颜色太黄了，换成冷色", "给照片冬天那样的冷光"),
    },
    "keep": {
        "en": ("please leave my photo the way it is", "keep everything the same, no edits", "do not touch the picture at all", "no change for this image"),
        "zh": ("请让照片保持原来的样子", "图片什么都不用改", "千万别改动这张照片", "颜色和画面都保持不变"),
    },
}  # fmt: skip

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
        "en": ("my photo is too dark, please brighten it", "turn up the light in this scene", "could you make the photograph lighter"),
        "zh": ("这张图太暗，请调亮", "麻烦把照片提亮", "我想让画面明亮起来"),
    },
    "darker": {
        "en": ("my photo is too bright, please darken it", "turn down the light in this scene", "could you make the photograph dimmer"),
        "zh": ("这张图太亮，请调暗", "麻烦把照片压暗", "我想让画面暗下来"),
    },
    "warmer": {
        "en": ("please give my photo a warmer tone", "add some warmth to this scene", "the photograph should have warm colors"),
        "zh": ("请给照片加暖色调", "麻烦把画面调得温暖", "我想要暖色的照片"),
    },
    "cooler": {
        "en": ("please give my photo a cooler tone", "take some warmth out of this scene", "the photograph should have cool colors"),
        "zh": ("请给照片加冷色调", "麻烦把画面调得清冷", "我想要冷色的照片"),
    },
    "keep": {
        "en": ("leave this image exactly as it is", "please do not change my photo"),
        "zh": ("请不要修改我的照片", "这张图保持原样就好"),
    },
}  # fmt: skip

#: as FRESH, for whoever judges the widened grammar: nobody looked at these sentences while it was being widened, and
#: the old families must not have lost by it
FRESH2: dict[str, dict[str, tuple[str, ...]]] = {
    "bw": {
        "en": ("monochrome would suit this photo", "kill the colour, leave shades of grey", "give me a colourless version", "b&w for this one pls"),
        "zh": ("不要彩色，要黑白的", "像黑白电影那样", "把色彩全去掉", "来张单色的"),
    },
    "invert": {
        "en": ("like a strip of film negatives", "negative effect on this one please", "white becomes black and black becomes white", "i want all colours reversed"),
        "zh": ("像胶卷底片那样", "黑变白，白变黑", "所有颜色取相反的", "弄成负片看看"),
    },
    "sepia": {
        "en": ("brownish, like grandma's old pictures", "old time sepia for this shot", "age the photo, brown and nostalgic", "turn it that antique brown"),
        "zh": ("像爷爷奶奶年代的照片", "弄成泛黄的复古照", "要那种旧旧的棕色", "怀旧褐色调"),
    },
    "brighter": {
        "en": ("i can hardly see anything, lighten it", "lighten the photo", "shine more light on it", "it's gloomy, brighten things up"),
        "zh": ("太黑了看不清，调亮", "给画面打打光", "弄亮", "亮度往上提"),
    },
    "darker": {
        "en": ("it's blinding, darken it", "less light in here please", "tone the brightness down", "make everything dimmer"),
        "zh": ("太刺眼了，调暗", "把光压下去", "弄暗", "亮度往下调"),
    },
    "warmer": {
        "en": ("make it cosy with warm colours", "warm it up", "too blue, go warmer", "warmer white balance please"),
        "zh": ("弄得暖洋洋的", "太冷清了，换暖调", "白平衡往暖的调", "色温偏暖"),
    },
    "cooler": {
        "en": ("make it feel chilly with cold colours", "cool it down", "too yellow, go cooler", "bluer white balance please"),
        "zh": ("弄得凉飕飕的", "太暖了，换冷调", "白平衡往冷的调", "色温偏冷"),
    },
    "keep": {
        "en": ("it's perfect already, leave it alone", "hands off, this one stays", "same picture back please", "nothing to change here", "just return my photo untouched", "no edit needed, thanks"),
        "zh": ("已经很好了，不用动", "什么都别改", "原图返回就行", "就这样，别动它", "不需要任何修改", "照原来的来"),
    },
}  # fmt: skip
