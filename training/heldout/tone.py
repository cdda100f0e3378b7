"""How users ask for tones and light: contrast, saturation, the time of day, fog. Data only; no words of strength."""

from __future__ import annotations

EVERYDAY: dict[str, dict[str, tuple[str, ...]]] = {
    "contrast": {
        "en": ("more contrast", "increase the contrast", "Boost contrast please"),
        "zh": ("增加对比度", "提高对比度", "对比度调高"),
    },
    "flat": {
        "en": ("less contrast", "reduce the contrast", "Lower the contrast please"),
        "zh": ("降低对比度", "减少对比度", "对比度调低"),
    },
    "vivid": {
        "en": ("more vivid colors", "increase the saturation", "make the colors pop"),
        "zh": ("让颜色更鲜艳", "提高饱和度", "更鲜艳"),
    },
    "muted": {
        "en": ("less saturated", "lower the saturation", "Muted colors please"),
        "zh": ("降低饱和度", "减少饱和度", "颜色变淡"),
    },
    "night": {
        "en": ("make it night", "turn day into night", "night scene"),
        "zh": ("变成夜晚", "夜景效果", "白天变黑夜"),
    },
    "sunset": {
        "en": ("make it sunset", "sunset lighting", "golden hour look"),
        "zh": ("变成日落", "夕阳效果", "黄昏的感觉"),
    },
    "fog": {
        "en": ("add fog", "make it foggy", "misty look"),
        "zh": ("加雾", "变成雾天", "加上雾气效果"),
    },
}  # fmt: skip

HELDOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "contrast": {
        "en": ("the light and dark parts should differ more", "this picture lacks contrast, please add some", "could I get stronger contrast here?", "make the blacks deeper and the whites whiter"),
        "zh": ("让明暗对比更强烈", "照片的反差太小了，加大反差", "请让亮的更亮，暗的更暗", "我想要高对比度的效果"),
    },
    "flat": {
        "en": ("the contrast is too strong, soften it", "please make light and dark areas more alike", "I would like a low contrast look", "take contrast out of this photo"),
        "zh": ("反差太大了，请减小反差", "让明暗差别变小", "我想要低对比度的效果", "画面对比太强，请减弱"),
    },
    "vivid": {
        "en": ("I want richer, more intense colours", "the colors look dull, bring them to life", "could you make this photo more colorful?", "please give the picture stronger saturation"),
        "zh": ("请让照片的色彩更浓郁", "颜色太淡了，加强饱和度", "我想要色彩鲜明的画面", "让这张图的颜色更饱满"),
    },
    "muted": {
        "en": ("these colours are too loud, calm them", "I'd prefer softer, quieter colors", "tone down the colours of my picture", "could the colors be less intense?"),
        "zh": ("颜色太艳了，请调淡", "我想要淡雅的色彩", "请让照片的色彩更素", "画面的饱和度减下来吧"),
    },
    "night": {
        "en": ("show this place after midnight", "as if the photo was taken at night", "I'd like to see this scene under moonlight", "let the night fall over this picture"),
        "zh": ("让这个场景像在深夜", "请把照片改成晚上拍的样子", "我想看月光下的画面", "天黑以后的样子"),
    },
    "sunset": {
        "en": ("the sun should be going down here", "as if taken just when the sun sets", "I want an evening glow over the picture", "bathe the scene in the last light of day"),
        "zh": ("请把照片改成傍晚的样子", "加上落日的余晖", "我想看太阳下山时的画面", "让画面沐浴在晚霞里"),
    },
    "fog": {
        "en": ("let a thick mist cover the scene", "I'd like a hazy morning mood", "the view should disappear in the fog", "could you put some haze over this photo?"),
        "zh": ("让画面笼罩在薄雾中", "请把照片做成大雾天气", "我想要烟雾朦胧的感觉", "清晨起雾的样子"),
    },
}  # fmt: skip

FRESH: dict[str, dict[str, tuple[str, ...]]] = {
    "contrast": {
        "en": ("looks dull, give it a contrast boost", "can you push up the contrast for me", "high contrast version of this shot, thanks"),
        "zh": ("画面灰蒙蒙的，对比拉高", "这图对比度不够，帮我加强", "麻烦把明暗反差拉大"),
    },
    "flat": {
        "en": ("too contrasty, calm it down", "can we flatten the contrast here", "shadows too black, highlights too white, even them out"),
        "zh": ("明暗差太多，帮我拉平", "这图对比度降下来", "把反差弄小"),
    },
    "vivid": {
        "en": ("colours are boring, make them vibrant", "give it that colourful holiday postcard look", "pump up the colors pls"),
        "zh": ("色彩不够艳，帮我弄艳", "这图颜色要更浓", "饱和度往上拉"),
    },
    "muted": {
        "en": ("too colorful for me, make it subdued", "take the colours down, they hurt my eyes", "drop the saturation in this one"),
        "zh": ("颜色太花哨，弄素雅", "饱和度往下拉", "色彩太浓，弄得清淡"),
    },
    "night": {
        "en": ("what if it was dark outside, like nighttime", "change the time of day to night", "moon and stars mood, no daylight"),
        "zh": ("换成夜里的感觉", "把白天改成半夜", "弄成夜间照片"),
    },
    "sunset": {
        "en": ("change the time of day to sunset", "give it that orange evening sky feeling", "turn this into a sundown shot"),
        "zh": ("弄成太阳快落山那种光", "换成日落时分", "做出晚霞的氛围"),
    },
    "fog": {
        "en": ("like a foggy day in London", "wrap everything in mist pls", "make the air look misty"),
        "zh": ("雾蒙蒙的那种", "弄成起大雾的一天", "四周都是雾"),
    },
}  # fmt: skip
