"""How users ask for an edit in another strength than the usual one: a bit of it, or a lot. Data only."""

from __future__ import annotations

EVERYDAY: dict[str, dict[str, tuple[str, ...]]] = {
    "slightly brighter": {
        "en": ("a bit brighter", "make it slightly brighter"),
        "zh": ("变亮一点", "稍微亮一点"),
    },
    "much brighter": {
        "en": ("much brighter", "make it a lot brighter"),
        "zh": ("亮很多", "大幅提高亮度"),
    },
    "slightly darker": {
        "en": ("a bit darker", "make it slightly darker"),
        "zh": ("变暗一点", "稍微暗一点"),
    },
    "much darker": {
        "en": ("much darker", "make it a lot darker"),
        "zh": ("暗很多", "大幅降低亮度"),
    },
    "slightly warmer": {
        "en": ("a bit warmer", "make it slightly warmer"),
        "zh": ("变暖一点", "色调暖一点"),
    },
    "much warmer": {
        "en": ("much warmer", "make it a lot warmer"),
        "zh": ("暖很多", "大幅调暖"),
    },
    "slightly cooler": {
        "en": ("a bit cooler", "make it slightly cooler"),
        "zh": ("变冷一点", "色调冷一点"),
    },
    "much cooler": {
        "en": ("much cooler", "make it a lot cooler"),
        "zh": ("冷很多", "大幅调冷"),
    },
    "slightly contrast": {
        "en": ("a bit more contrast", "slightly more contrast"),
        "zh": ("对比度高一点", "稍微增加对比度"),
    },
    "much contrast": {
        "en": ("much more contrast", "a lot more contrast"),
        "zh": ("对比度高很多", "大幅增加对比度"),
    },
    "slightly flat": {
        "en": ("a bit less contrast", "slightly less contrast"),
        "zh": ("对比度低一点", "稍微降低对比度"),
    },
    "much flat": {
        "en": ("much less contrast", "a lot less contrast"),
        "zh": ("对比度低很多", "大幅降低对比度"),
    },
    "slightly vivid": {
        "en": ("a bit more vivid", "slightly more saturated"),
        "zh": ("颜色鲜艳一点", "稍微提高饱和度"),
    },
    "much vivid": {
        "en": ("much more vivid", "a lot more saturated"),
        "zh": ("鲜艳很多", "大幅提高饱和度"),
    },
    "slightly muted": {
        "en": ("slightly less saturated", "a bit less colorful"),
        "zh": ("颜色淡一点", "稍微降低饱和度"),
    },
    "much muted": {
        "en": ("much less saturated", "a lot less colorful"),
        "zh": ("颜色淡很多", "大幅降低饱和度"),
    },
}  # fmt: skip

HELDOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "slightly brighter": {
        "en": ("please raise the exposure a little", "could the scene be a bit lighter?"),
        "zh": ("这张照片再提亮一些吧", "照片的曝光再高一点"),
    },
    "much brighter": {
        "en": ("far too dark, I need a lot more light", "please brighten this photo considerably"),
        "zh": ("请把照片调得非常亮", "画面要亮得多"),
    },
    "slightly darker": {
        "en": ("please reduce the exposure a little", "could the scene be a bit dimmer?"),
        "zh": ("这张照片再压暗一些吧", "照片的曝光再低一点"),
    },
    "much darker": {
        "en": ("it should be far darker than now", "take away most of the light"),
        "zh": ("请把照片调得非常暗", "画面要暗得多"),
    },
    "slightly warmer": {
        "en": ("could the light be a bit warmer?", "add a hint of warmth to my picture"),
        "zh": ("这张照片再暖一些吧", "请稍稍加些暖色"),
    },
    "much warmer": {
        "en": ("I want very warm colours, really strong", "push the warmth up a great deal"),
        "zh": ("请把色调调得特别暖", "画面要暖得多"),
    },
    "slightly cooler": {
        "en": ("could the light be a bit cooler?", "cool the photo down, but only a little"),
        "zh": ("这张照片再冷一些吧", "给照片一点冬天的冷光"),
    },
    "much cooler": {
        "en": ("the colours should be extremely cold", "push it a long way towards blue"),
        "zh": ("请把色调调得特别冷", "画面要冷得多"),
    },
    "slightly contrast": {
        "en": ("raise the contrast by just a little", "could the contrast go up a touch?"),
        "zh": ("请把反差略微加大", "明暗对比再强一些吧"),
    },
    "much contrast": {
        "en": ("I need very strong contrast in this picture", "make the contrast extreme"),
        "zh": ("请把反差调到非常大", "明暗对比要强得多"),
    },
    "slightly flat": {
        "en": ("take the contrast down a notch", "could the contrast be a little weaker?"),
        "zh": ("请把反差略微减小", "明暗对比再弱一些吧"),
    },
    "much flat": {
        "en": ("remove most of the contrast", "the contrast should be far weaker"),
        "zh": ("请把反差调到非常小", "明暗对比要弱得多"),
    },
    "slightly vivid": {
        "en": ("give the colours a little more life", "could the colors be a touch richer?"),
        "zh": ("请让色彩略微鲜艳", "颜色再浓一些吧"),
    },
    "much vivid": {
        "en": ("I want extremely strong colours", "make it far more colorful"),
        "zh": ("请把颜色调得特别艳", "色彩要浓得多"),
    },
    "slightly muted": {
        "en": ("calm the colours down a little", "could the colors be a touch softer?"),
        "zh": ("请让色彩略微清淡", "颜色再素一些吧"),
    },
    "much muted": {
        "en": ("take most of the color out, not all", "the colours should be far weaker"),
        "zh": ("请把颜色调得特别淡", "色彩要淡得多"),
    },
}  # fmt: skip

FRESH: dict[str, dict[str, tuple[str, ...]]] = {
    "slightly brighter": {
        "en": ("could you make the photograph a little lighter", "just a touch more light"),
        "zh": ("这张图太暗，请调亮一些", "麻烦把照片提亮一点", "我想让画面更亮一些", "亮度略微加一点"),
    },
    "much brighter": {
        "en": ("way brighter please",),
        "zh": ("使劲提亮",),
    },
    "slightly darker": {
        "en": ("could you make the photograph a little dimmer", "dim it ever so slightly"),
        "zh": ("这张图太亮，请调暗一些", "麻烦把照片压暗一点", "我想让画面更暗一些", "光线略微减一点"),
    },
    "much darker": {
        "en": ("way too bright, make it really dark",),
        "zh": ("狠狠压暗",),
    },
    "slightly warmer": {
        "en": ("tiny bit warmer pls",),
        "zh": ("麻烦把画面调得暖一点", "色温略微往暖调"),
    },
    "much warmer": {
        "en": ("super warm colors, as by a fireplace",),
        "zh": ("暖色拉满",),
    },
    "slightly cooler": {
        "en": ("tad colder please",),
        "zh": ("麻烦把画面调得冷一点", "色温略微往冷调"),
    },
    "much cooler": {
        "en": ("super icy colors, like the north pole",),
        "zh": ("冷色拉满",),
    },
    "slightly contrast": {
        "en": ("tiny contrast boost",),
        "zh": ("对比度加一丢丢",),
    },
    "much contrast": {
        "en": ("contrast all the way up",),
        "zh": ("对比度拉满",),
    },
    "slightly flat": {
        "en": ("contrast just a hair lower",),
        "zh": ("对比度往下收一点",),
    },
    "much flat": {
        "en": ("super flat, almost no contrast",),
        "zh": ("对比度狠狠压低",),
    },
    "slightly vivid": {
        "en": ("colors up a tiny bit",),
        "zh": ("颜色加浓一丢丢",),
    },
    "much vivid": {
        "en": ("insanely saturated colors please",),
        "zh": ("饱和度拉满",),
    },
    "slightly muted": {
        "en": ("colors down a tiny bit",),
        "zh": ("饱和度收一点点",),
    },
    "much muted": {
        "en": ("really faint colors please",),
        "zh": ("颜色狠狠压淡",),
    },
}  # fmt: skip
