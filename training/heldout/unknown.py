"""Sentences that ask for nothing `mini` offers: the picture must come back unchanged. Data only."""

from __future__ import annotations

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
        "put a purple frame around the picture",
        "make the jacket turquoise",
    ),
    "not offered, zh": (
        "在她肩膀上加一只鹦鹉",
        "把广场上的游客去掉",
        "变成漫画书的样子",
        "把图片旋转四十五度",
        "给照片加一个紫色边框",
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
