"""The photographs `mini` was trained and judged on: where each comes from, its licence, its side of the split.

Knows names, sources, licences and the split (by photograph, fixed here, before anything else is done).
Does not know edits, prompts or networks.

    python -m training.photographs          # fetches the Debian packages with apt-get, writes data/photographs.zip
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

DATA = Path(__file__).parent / "data"
ARCHIVE = DATA / "photographs.zip"
SHORT_SIDE = 512  #: stored pixels; training never looks closer than a 256 px crop of this

LOMIRI = "lomiri-wallpapers-16.04"
LOMIRI20 = "lomiri-wallpapers-20.04"
MATE = "mate-backgrounds"
PLASMA = "plasma-workspace-wallpapers"
GNOME = "gnome-backgrounds"
SKIMAGE = "scikit-image"
MATPLOTLIB = "matplotlib"
ROOTS = {
    LOMIRI: "usr/share/backgrounds",
    LOMIRI20: "usr/share/backgrounds",
    MATE: "usr/share/backgrounds/mate",
    PLASMA: "usr/share/wallpapers",
    GNOME: "usr/share/backgrounds/gnome",
}


@dataclass(frozen=True, slots=True)
class Photograph:
    """One source picture. `kind` is photo or drawn; drawn ones are seen a third as often and never judged."""

    name: str
    package: str  #: Debian package or Python distribution
    path: str  #: inside the package's picture folder
    licence: str
    split: str  #: train or heldout
    kind: str = "photo"


def _rows() -> list[Photograph]:
    rows: list[Photograph] = []

    def add(package: str, licence: str, split: str, files: str, kind: str = "photo", pattern: str = "{}") -> None:
        for file in files.split():
            name = Path(file).stem.split("_by_")[0].lower()
            rows.append(Photograph(name, package, pattern.format(file), licence, split, kind))

    wide = "{}/contents/images/2560x1600.jpg"
    # Public domain and CC0 first: these are the ones README and examples may show, so they are held out.
    add(SKIMAGE, "CC0-1.0", "heldout", "chelsea.png coffee.png")
    add(SKIMAGE, "public domain (NASA)", "heldout", "astronaut.png")
    add(SKIMAGE, "public domain (SpaceX)", "heldout", "rocket.jpg")
    add(LOMIRI, "CC0-1.0", "heldout", "seeding_by_Clements_Engelhardt.jpg")
    add(LOMIRI, "CC-BY-SA-4.0", "heldout", "Bridge_by_Sander_Klootwijk.jpg")
    add(LOMIRI, "CC-BY-4.0", "heldout", "picosdeeuropa_by_Aitzol_Berasategi.jpg Picture_1A_by_freespace.jpg")
    add(MATE, "GPL-2+", "heldout", "nature/Dune.jpg nature/Garden.jpg")
    add(PLASMA, "GPL-2+", "heldout", "EveningGlow FallenLeaf ColorfulCups BytheWater", pattern=wide)

    add(SKIMAGE, "CC0-1.0", "train", "retina.jpg")
    add(SKIMAGE, "public domain (NASA)", "train", "hubble_deep_field.jpg")
    add(MATPLOTLIB, "public domain (US Navy)", "train", "grace_hopper.jpg")
    add(
        LOMIRI,
        "CC-BY-SA-4.0",
        "train",
        "Dragonfly_by_Bolly.jpg free_by_Peter_Nerlich.jpg greentock_by_Peter_Nerlich.jpg",
    )
    add(
        LOMIRI,
        "CC-BY-4.0",
        "train",
        "Picture_0B_by_freespace.jpg Wine_by_Jakkub_Mede.jpg aitzgorri_by_Aitzol_Berasategi.jpg"
        " friends_by_Aitzol_Berasategi.jpg life_by_Aitzol_Berasategi.jpg sunset_by_Aitzol_Berasategi.jpg",
    )
    add(LOMIRI20, "CC-BY-SA-3.0", "train", "Kleiber_by_Lukas_Baubkus.jpg")
    names = "Aqua Blinds FreshFlower GreenMeadow LadyBird RainDrops Storm TwoWings YellowFlower"
    add(MATE, "GPL-2+", "train", names, pattern="nature/{}.jpg")
    add(PLASMA, "GPL-2+", "train", "Autumn ColdRipple DarkestHour Grey Kite OneStandsOut Path summer_1am", pattern=wide)

    add(LOMIRI, "CC-BY-SA-4.0", "train", "analogpattern_by_Peter_Nerlich.jpg", "drawn")
    add(LOMIRI, "CC-BY-4.0", "train", "umang_by_Abhishek_Mudgal.jpg", "drawn")
    names = "Fossa_by_Jasper_Roks Infinite-Sea_by_Aury88 Painting-Colors_by__herobrine7gamer"
    add(LOMIRI20, "CC-BY-SA-3.0", "train", names, "drawn", "{}.jpg")
    add(GNOME, "CC-BY-SA-3.0", "train", "wood-l.webp", "drawn")
    add(MATE, "GPL-2+", "train", "abstract/Elephants.jpg desktop/Ubuntu-Mate-Cold-no-logo.png", "drawn")
    add(PLASMA, "GPL-2+", "train", "Altai IceCold Kay Patak", "drawn", "{}/contents/images/5120x2880.png")
    add(PLASMA, "GPL-2+", "train", "Canopee Cascade Kokkini Opal", "drawn", "{}/contents/images/3840x2160.png")
    add(
        PLASMA, "GPL-2+", "train", "Honeywave SafeLanding Shell Volna Flow", "drawn", "{}/contents/images/5120x2880.jpg"
    )
    add(PLASMA, "GPL-2+", "train", "PastelHills", "drawn", "{}/contents/images/3200x2000.jpg")
    return [fix_name(row) for row in rows]


def fix_name(row: Photograph) -> Photograph:
    """Plasma keeps each wallpaper in a folder of its own name, so the name is the folder, not the file."""
    if row.package != PLASMA:
        return row
    return Photograph(row.path.split("/")[0].lower(), row.package, row.path, row.licence, row.split, row.kind)


PHOTOGRAPHS = _rows()


def prepare(packages: Path, archive: Path = ARCHIVE) -> None:
    """Shrinks every source picture once into one zip of JPEGs (4:4:4, quality 93) with `photographs.json`."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    Image.MAX_IMAGE_PIXELS = None  # our own files: some wallpapers are 15 megapixels
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
        for row in PHOTOGRAPHS:
            image = Image.open(locate(row, packages)).convert("RGB")
            scale = SHORT_SIDE / min(image.size)
            if scale < 1:
                image = image.resize(
                    (round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS
                )
            body = io.BytesIO()
            image.save(body, "JPEG", quality=93, subsampling=0)
            out.writestr(f"{row.name}.jpg", body.getvalue())
        out.writestr("photographs.json", json.dumps([asdict(row) for row in PHOTOGRAPHS], indent=1))
    print(f"{len(PHOTOGRAPHS)} pictures, {archive.stat().st_size / 1e6:.1f} MB: {archive}")


def locate(row: Photograph, packages: Path) -> Path:
    """Where the picture lies: inside an unpacked Debian package, or inside an installed Python package."""
    if row.package in ROOTS:
        return packages / row.package / ROOTS[row.package] / row.path
    module, folder = {SKIMAGE: ("skimage", "data"), MATPLOTLIB: ("matplotlib", "mpl-data/sample_data")}[row.package]
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{row.package} is not installed; pip install {row.package}")
    return Path(spec.origin).parent / folder / row.path


def unpack(packages: Path, names: Iterable[str] = ROOTS) -> None:
    """Downloads each Debian package that is not there yet and unpacks it (nothing is installed)."""
    for package in names:
        if (packages / package).exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
            (deb,) = Path(folder).glob("*.deb")
            subprocess.run(["dpkg", "-x", str(deb), str(packages / package)], check=True)


def load(split: str, *, kind: str | None = None, archive: Path = ARCHIVE) -> dict[str, Image.Image]:
    """Name → RGB picture for one side of the split."""
    if not archive.exists():
        raise FileNotFoundError(f"{archive} is missing; run: python -m training.photographs")
    with zipfile.ZipFile(archive) as file:
        rows = [row for row in PHOTOGRAPHS if row.split == split and kind in (None, row.kind)]
        return {row.name: Image.open(io.BytesIO(file.read(f"{row.name}.jpg"))).convert("RGB") for row in rows}


def main() -> None:
    packages = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    unpack(packages)
    prepare(packages)


if __name__ == "__main__":
    main()
