"""What can be named in a scene: colours, shapes, places, sign words, and the characters a sign can be written with.

Data only: English and Chinese names, and the colours' values.
"""

from __future__ import annotations

LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
LONGEST = {"latin": 8, "han": 4}  #: characters of a string on a sign

#: name → sRGB, English names, Chinese names
COLOURS: dict[str, tuple[tuple[float, float, float], tuple[str, ...], tuple[str, ...]]] = {
    "red": ((0.82, 0.12, 0.12), ("red",), ("红色", "红")),
    "orange": ((0.96, 0.55, 0.08), ("orange",), ("橙色", "橘色", "橙")),
    "yellow": ((0.96, 0.86, 0.14), ("yellow",), ("黄色", "黄")),
    "green": ((0.12, 0.60, 0.22), ("green",), ("绿色", "绿")),
    "blue": ((0.12, 0.30, 0.80), ("blue",), ("蓝色", "蓝")),
    "purple": ((0.52, 0.18, 0.68), ("purple", "violet"), ("紫色", "紫")),
    "pink": ((0.96, 0.56, 0.72), ("pink",), ("粉色", "粉红色")),
    "brown": ((0.45, 0.27, 0.13), ("brown",), ("棕色", "褐色")),
    "white": ((0.97, 0.97, 0.97), ("white",), ("白色", "白")),
    "black": ((0.08, 0.08, 0.08), ("black",), ("黑色", "黑")),
}

#: name → English names, Chinese names
SHAPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "circle": (("circle", "circle", "disc", "dot"), ("圆形", "圆", "圆圈")),
    "square": (("square", "square", "box"), ("正方形", "方形", "方块")),
    "triangle": (("triangle",), ("三角形", "三角")),
    "star": (("star",), ("星星", "五角星", "星形")),
    "heart": (("heart",), ("心形", "爱心", "心")),
    "diamond": (("diamond", "rhombus"), ("菱形",)),
    "cross": (("cross", "plus sign"), ("十字", "十字形")),
    "moon": (("moon", "crescent"), ("月亮", "月牙")),
}

#: thirds of the picture, row by row → English, Chinese
PLACES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("in the top left corner", "at the top left", "in the upper left"), ("左上角", "左上方")),
    (("at the top", "in the upper middle", "at the top in the middle"), ("上面", "上方", "顶部")),
    (("in the top right corner", "at the top right", "in the upper right"), ("右上角", "右上方")),
    (("on the left", "on the left side", "at the left"), ("左边", "左侧", "左面")),
    (("in the middle", "in the center", "in the centre"), ("中间", "正中间", "中央")),
    (("on the right", "on the right side", "at the right"), ("右边", "右侧", "右面")),
    (("in the bottom left corner", "at the bottom left", "in the lower left"), ("左下角", "左下方")),
    (("at the bottom", "in the lower middle", "at the bottom in the middle"), ("下面", "下方", "底部")),
    (("in the bottom right corner", "at the bottom right", "in the lower right"), ("右下角", "右下方")),
)

#: what a board of each kind is called
BOARDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sign": (("sign", "sign", "board"), ("牌子", "招牌", "标牌")),
    "label": (("label", "sign"), ("标签", "牌子")),
    "banner": (("banner", "sign"), ("横幅", "牌子")),
}

#: what the signs say in both languages: the whole vocabulary of `translate`
SPOKEN = (
    "OPEN 营业|CLOSED 打烊|EXIT 出口|ENTRANCE 入口|STOP 停|PUSH 推|PULL 拉|TOILET 厕所|MEN 男|WOMEN 女|"
    "SALE 打折|FREE 免费|NEW 新品|HOT 热|COLD 冷|TEA 茶|COFFEE 咖啡|WATER 水|BEER 啤酒|RICE 米饭|NOODLES 面条|"
    "BREAD 面包|FISH 鱼|HOTEL 酒店|BANK 银行|SCHOOL 学校|HOSPITAL 医院|POLICE 警察|TAXI 出租车|BUS 公交车|"
    "STATION 车站|AIRPORT 机场|PARKING 停车场|TICKETS 售票处|DANGER 危险|WARNING 警告|SLOW 慢|QUIET 安静|"
    "PARK 公园|MUSEUM 博物馆|LIBRARY 图书馆|MARKET 市场|SHOP 商店|FLOWERS 鲜花|WELCOME 欢迎|HELLO 你好|"
    "THANKS 谢谢|LEFT 左|RIGHT 右|UP 上|DOWN 下|NORTH 北|SOUTH 南|EAST 东|WEST 西|OFFICE 办公室|KITCHEN 厨房|"
    "LIFT 电梯|STAIRS 楼梯|HELP 帮助|LOVE 爱|HOME 家|SPRING 春|HAPPY 福"
)
SIGNS = dict(pair.split() for pair in SPOKEN.split("|"))
BACK = {chinese: english for english, chinese in SIGNS.items()}

#: every Chinese character that a sign can be asked to show: those above, and common ones
MORE = (
    "一二三四五六七八九十百千大小天地人山火木金土日月年风云雨雪高低前后内外国王文字书"
    "学生有无不可是我他她来去开关门气光海画里"
)
HAN = "".join(dict.fromkeys("".join(SIGNS.values()) + MORE))
