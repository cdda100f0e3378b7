"""What a made picture might be nearest to instead of the edit that was asked for: other true edits of the same scene.

Knows which edits compete, a fixed list for each family. Does not know pictures, sentences or chance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import cycle, dropwhile, islice

from training.heldout.scenes import STRINGS
from training.scenes import fonts, words
from training.scenes.plans import Plan, exchanged
from training.scenes.scene import Backdrop, Scene, Text, Thing

EFFECTS = {"snow": ("rain", "fog", "brighter"), "rain": ("snow", "darker", "muted")}


def rivals(plan: Plan) -> dict[str, Scene]:
    """What it was called and how the scene would look: "asked", "unchanged", and of the asked family

    recolour    the thing in two other colours, or gone; every other thing in the asked colour
    remove      the thing in two other colours; every other thing gone
    add         another colour, another shape, and two other places
    background  two other colours
    text        two other strings of the same script, and no text
    translate   two other listed words of the same language, and no text
    untext      two listed words of the sign's language
    snow, rain  each other, and two tones that are like them
    """
    others = {
        "recolour": recoloured,
        "remove": removed,
        "add": added,
        "background": backgrounds,
        "snow": effects,
        "rain": effects,
    }.get(plan.family, written)
    return {"asked": plan.after, "unchanged": plan.before, **others(plan)}


def following(names: Iterable[str], name: str, count: int, without: Collection[str] = ()) -> list[str]:
    """The next `count` names after one, from the first again after the last, but those in `without`."""
    listed = list(names)
    ring = islice(dropwhile(lambda each: each != name, cycle(listed)), 1, len(listed))
    return list(islice((each for each in ring if each not in without), count))


def asked_thing(plan: Plan) -> Thing:
    assert plan.asked.thing is not None
    return plan.asked.thing


def other_things(plan: Plan) -> list[Thing]:
    return [part for part in plan.before.parts if isinstance(part, Thing) and part != plan.asked.thing]


def recoloured(plan: Plan) -> Mapping[str, Scene]:
    thing, asked = asked_thing(plan), plan.asked.colour
    colours = following(words.COLOURS, asked, 2, without=(thing.colour,))
    mine = {colour: exchanged(plan.before, thing, replace(thing, colour=colour)) for colour in colours}
    elsewhere = {
        f"another {other.shape}, {other.colour}": exchanged(plan.before, other, replace(other, colour=asked))
        for other in other_things(plan)
        if other.colour != asked
    }
    return {**mine, **elsewhere, "gone": exchanged(plan.before, thing)}


def removed(plan: Plan) -> Mapping[str, Scene]:
    thing = asked_thing(plan)
    colours = following(words.COLOURS, thing.colour, 2)
    mine = {colour: exchanged(plan.before, thing, replace(thing, colour=colour)) for colour in colours}
    return {**mine, **{f"{each.colour} {each.shape} gone": exchanged(plan.before, each) for each in other_things(plan)}}


def added(plan: Plan) -> Mapping[str, Scene]:
    thing, scene = asked_thing(plan), plan.after
    (colour,) = following(words.COLOURS, thing.colour, 1)
    (shape,) = following(words.SHAPES, thing.shape, 1)
    others = {colour: replace(thing, colour=colour), shape: replace(thing, shape=shape)}
    for further in (1, 2):
        place = (plan.asked.place + further) % len(words.PLACES)
        x, y = (round(side / 3 * (cell + 0.5)) for side, cell in ((scene.width, place % 3), (scene.height, place // 3)))
        others[words.PLACES[place][0][0]] = replace(thing, x=x, y=y)
    return {name: exchanged(scene, thing, other) for name, other in others.items()}


def backgrounds(plan: Plan) -> Mapping[str, Scene]:
    shown = {part.colour for part in plan.before.parts if isinstance(part, Thing)}
    colours = following(words.COLOURS, plan.asked.colour, 2, without=shown)
    return {name: replace(plan.before, backdrop=Backdrop(colours=(words.COLOURS[name][0],))) for name in colours}


def effects(plan: Plan) -> Mapping[str, Scene]:
    return {name: replace(plan.before, effect=name) for name in EFFECTS[plan.family]}


def written(plan: Plan) -> Mapping[str, Scene]:
    """Other strings on the sign: of the script that was asked for, or that stands there where nothing was."""
    (old,) = (part for part in plan.before.parts if isinstance(part, Text))
    asked = next((part.text for part in plan.after.parts if isinstance(part, Text)), "")
    like = asked or old.text
    known = sorted(STRINGS) if plan.family == "text" else [*words.SIGNS, *words.BACK]
    alike = [text for text in known if fonts.script(text) == fonts.script(like)]
    chosen = following(alike, like, 2, without=(old.text,)) if like in alike else alike[:2]
    strings = {text: exchanged(plan.before, old, replace(old, text=text)) for text in chosen}
    return {**strings, "no text": exchanged(plan.before, old)} if asked else strings
