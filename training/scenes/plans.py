"""Which edits there are: a scene, the edited scene, and what has to be said to ask for it. Nothing is drawn here.

Knows courses (what is practised, how hard it is), how scenes are put together and the edits on them. Does not know
sentences or pixels. The same seed draws the same plans.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from training.heldout.scenes import STRINGS
from training.scenes import fonts, words
from training.scenes.scene import DARK, LIGHT, Backdrop, Board, Colour, Part, Scene, Text, Thing
from training.scenes.weather import WEATHER

TEXTS = ("text", "untext", "translate")
KNOWN = tuple(text for pair in words.SIGNS.items() for text in pair)


@dataclass(frozen=True)
class Course:
    """What is practised. `families` are weighed; "others" stands for all edits that are not about scenes."""

    families: Mapping[str, float]
    longest: int = 8  #: characters of a string in capitals
    heights: tuple[int, int] = (26, 40)  #: of capitals, pixels
    plain: float = 0.3  #: share of backdrops that are no photographs
    roams: bool = True  #: boards may stand in any third of the picture, with things around them
    absent: float = 0.06  #: share of edits on things that are not there: the picture is to stay as it is


#: from one large letter in the middle to words, places and photographs
COURSES = {
    "letters": Course({"text": 1.0}, longest=1, heights=(64, 120), plain=1.0, roams=False, absent=0.0),
    "signs": Course({"text": 6.0, "untext": 1.0, "translate": 2.0}, heights=(28, 48), plain=0.7, absent=0.03),
    "all": Course(
        {"text": 6.0, "untext": 1.0, "translate": 3.0}
        | {"recolour": 2.0, "remove": 1.5, "add": 3.0, "background": 1.5, "snow": 0.7, "rain": 0.7, "others": 5.0}
    ),
}


@dataclass(frozen=True)
class Asked:
    """What a sentence has to name. `thing` is known by its shape, or by colour and shape where `is_one_of_many`."""

    family: str
    thing: Thing | None = None
    is_one_of_many: bool = False
    colour: str = ""
    place: int = 0  #: index of `words.PLACES`
    text: str = ""
    board: str = ""  #: its kind


@dataclass(frozen=True)
class Plan:
    """`family` is what the edit counts as: "keep" where the asked thing is not there."""

    before: Scene
    after: Scene
    asked: Asked
    family: str


class Planner:
    def __init__(self, course: Course, width: int, height: int, rng: random.Random) -> None:
        self.course, self.width, self.height, self.rng = course, width, height, rng

    def plan(self, family: str) -> Plan:
        """A plan for one of the course's families, but "others"."""
        if family in WEATHER:
            scene = self._scene(things=0 if self.rng.random() < 0.8 else 2, has_photo=True)
            return Plan(scene, replace(scene, effect=family), Asked(family), family)
        if self.rng.random() < self.course.absent:
            return self._absent(family)
        if family in TEXTS:
            return self._about_text(family)
        edits = {"recolour": self._recolour, "remove": self._remove, "add": self._add, "background": self._background}
        return edits[family](self._scene(self.rng.randint(1, 3), has_board=self.rng.random() < 0.15))

    # --- what scenes are made of ---

    def _scene(self, things: int, *, has_board: bool = False, has_photo: bool = False, writing: str = "") -> Scene:
        """`things` of distinct looks in distinct thirds, and a board with a text where asked for."""
        cells = list(range(9))
        parts: list[Part] = []
        if has_board:
            row = self.rng.randrange(3) if self.course.roams else 1
            cells = [cell for cell in cells if cell // 3 != row]
            parts.extend(self._board(row, writing or self._string()))
        places = self.rng.sample(cells, things)
        looks = self.rng.sample([(s, c) for s in words.SHAPES for c in words.COLOURS], things)
        stuck = [self._thing(shape, colour, cell) for (shape, colour), cell in zip(looks, places, strict=True)]
        return Scene(self.width, self.height, self._backdrop(has_photo), (*stuck, *parts))

    def _backdrop(self, has_photo: bool) -> Backdrop:
        seed = self.rng.getrandbits(32)
        if has_photo or self.rng.random() > self.course.plain:
            return Backdrop(seed)
        first = (self.rng.random(), self.rng.random(), self.rng.random())
        last = (self.rng.random(), self.rng.random(), self.rng.random())
        return Backdrop(seed, (first,) if self.rng.random() < 0.5 else (first, last), self.rng.random() < 0.5)

    def _thing(self, shape: str, colour: str, cell: int) -> Thing:
        x, y, side = self._middle(cell)
        size, stray = round(side * self.rng.uniform(0.55, 0.8)), round(side * 0.08)
        x, y = x + self.rng.randint(-stray, stray), y + self.rng.randint(-stray, stray)
        return Thing(shape, colour, x, y, size, self.rng.randint(-10, 10), self._rim(colour))

    def _rim(self, colour: str) -> Colour:
        return {"white": DARK, "black": LIGHT}.get(colour) or self.rng.choice((LIGHT, LIGHT, DARK))

    def _middle(self, cell: int) -> tuple[int, int, float]:
        """Of a third of the picture: x, y, and the shorter of its sides."""
        across, down = self.width / 3, self.height / 3
        return round(across * (cell % 3 + 0.5)), round(down * (cell // 3 + 0.5)), min(across, down)

    def _board(self, row: int, text: str) -> tuple[Board, Text]:
        """A board in that third of the rows, wide enough for the text."""
        typeface = self.rng.choice(list(fonts.TYPEFACES))
        kind = self.rng.choice(list(words.BOARDS))
        tall = self.rng.randint(*self.course.heights)
        most = self.width - 40
        natural = fonts.width(text, typeface, tall)
        room = round(self.rng.uniform(min(natural, most), most)) if natural < most else most
        x, y, _ = self._middle(3 * row + 1)
        aside = max(0, (self.width - room - 36) // 2) if self.course.roams and kind != "banner" else 0
        x += self.rng.randint(-aside, aside)
        plate, ink = self._apart()
        width = self.width if kind == "banner" else room + 24
        high = min(round(tall * 1.7) + 10, self.height // 3 if self.course.roams else self.height)
        return Board(kind, x, y, width, high, plate), Text(text, typeface, x, y, tall, room, ink)

    def _apart(self) -> tuple[Colour, Colour]:
        """A plate and an ink that can be told apart: by their greens, which carry most of what is bright."""
        while True:
            pair = [(self.rng.random(), self.rng.random(), self.rng.random()) for _ in range(2)]
            light = [0.3 * r + 0.59 * g + 0.11 * b for r, g, b in pair]
            if abs(light[0] - light[1]) > 0.45:
                return pair[0], pair[1]

    def _string(self, *, without: str = "") -> str:
        """A word of the vocabulary or any string of the alphabet, Latin or Chinese, never a held-out one."""
        while True:
            longest = {"latin": self.course.longest, "han": min(self.course.longest, words.LONGEST["han"])}
            writing = self.rng.choice(("latin", "han"))
            if self.rng.random() < 0.35:
                text = self.rng.choice(KNOWN)
            else:
                letters = words.HAN if writing == "han" else words.LATIN[: 26 if self.rng.random() < 0.6 else 36]
                text = "".join(self.rng.choices(letters, k=self.rng.randint(1, longest[writing])))
            if len(text) <= longest[fonts.script(text)] and text not in STRINGS and text != without:
                return text

    # --- edits ---

    def _pick(self, scene: Scene) -> tuple[Thing, bool]:
        """One of the things, and whether another has its shape."""
        things = [part for part in scene.parts if isinstance(part, Thing)]
        thing = self.rng.choice(things)
        return thing, sum(other.shape == thing.shape for other in things) > 1

    def _recolour(self, scene: Scene) -> Plan:
        thing, many = self._pick(scene)
        colour = self._other_colour(thing)
        after = exchanged(scene, thing, replace(thing, colour=colour))
        return Plan(scene, after, Asked("recolour", thing, many, colour), "recolour")

    def _other_colour(self, thing: Thing) -> str:
        rim = {"white": LIGHT, "black": DARK}  # a shape in the colour of its rim would lose its outline
        return self.rng.choice([name for name in words.COLOURS if name != thing.colour and rim.get(name) != thing.rim])

    def _remove(self, scene: Scene) -> Plan:
        thing, many = self._pick(scene)
        return Plan(scene, exchanged(scene, thing), Asked("remove", thing, many), "remove")

    def _add(self, scene: Scene) -> Plan:
        """One of the things was not there before: as large, as straight and as central as nobody says otherwise."""
        thing, _ = self._pick(scene)
        x, y, side = self._middle(cell := self._cell(thing))
        new = replace(thing, x=x, y=y, size=round(0.7 * side), turn=0, rim=DARK if thing.colour == "white" else LIGHT)
        asked = Asked("add", new, is_one_of_many=True, place=cell)
        return Plan(exchanged(scene, thing), exchanged(scene, thing, new), asked, "add")

    def _cell(self, thing: Thing) -> int:
        return thing.y * 3 // self.height * 3 + thing.x * 3 // self.width

    def _background(self, scene: Scene) -> Plan:
        shown = {part.colour for part in scene.parts if isinstance(part, Thing)}
        colour = self.rng.choice([name for name in words.COLOURS if name not in shown])
        after = replace(scene, backdrop=Backdrop(colours=(words.COLOURS[colour][0],)))
        return Plan(scene, after, Asked("background", colour=colour), "background")

    def _about_text(self, family: str) -> Plan:
        writing = self.rng.choice([word for word in KNOWN if word not in STRINGS]) if family == "translate" else ""
        around = self.rng.choice((0, 0, 1, 2)) if self.course.roams else 0
        scene = self._scene(around, has_board=True, writing=writing)
        board, text = scene.parts[-2:]
        assert isinstance(board, Board) and isinstance(text, Text)
        if family == "untext":
            return Plan(scene, exchanged(scene, text), Asked(family, board=board.kind), family)
        said = (words.SIGNS | words.BACK)[writing] if writing else self._string(without=text.text)
        while fonts.width(said, text.typeface, text.height) * 0.55 > text.room and not writing:
            said = self._string(without=text.text)  # squeezed to half its width nobody could read it
        after = exchanged(scene, text, replace(text, text=said))
        return Plan(scene, after, Asked(family, text="" if writing else said, board=board.kind), family)

    def _absent(self, family: str) -> Plan:
        """Asked of a picture that has no such thing, or no board: nothing changes."""
        scene = self._scene(self.rng.randint(0, 3))
        if family in TEXTS:
            text = self._string() if family == "text" else ""
            return Plan(scene, scene, Asked(family, text=text, board=self.rng.choice(list(words.BOARDS))), "keep")
        present = {part.shape for part in scene.parts if isinstance(part, Thing)}
        shape = self.rng.choice([shape for shape in words.SHAPES if shape not in present])
        thing = self._thing(shape, self.rng.choice(list(words.COLOURS)), 4)
        family = self.rng.choice(("recolour", "remove"))
        colour = self._other_colour(thing) if family == "recolour" else ""
        return Plan(scene, scene, Asked(family, thing, colour=colour), "keep")


def exchanged(scene: Scene, part: Part, *others: Part) -> Scene:
    """The scene with others, or nothing, in the place of a part."""
    at = scene.parts.index(part)
    return replace(scene, parts=(*scene.parts[:at], *others, *scene.parts[at + 1 :]))
