"""Where the time of an edit goes, by kind of kernel: `python -m benchmarks.profile`.

An edit under torch's profiler, cut into prepare (encoding included), steps and decode. Shares, not milliseconds: the
profiler slows small kernels down, and other work on the machine slows all of them.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib import pyplot as plt
from PIL import Image, ImageChops
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks import report
from overpaint.model import Editor, Step, load_editor

PHOTOGRAPH = report.ROOT / "examples" / "astronaut.jpg"
PROMPT, SEED = "make it black and white", 7
PACKAGES = ("torch", "transformers", "pillow", "numpy")
PHASES = ("prepare", "steps", "decode")

#: The first that fits an operation's name is its kind; what fits none, and what is no operation of torch, is the rest.
KINDS = {
    "attention": r"attention|softmax",
    "matrix products": r"mm$|linear$|matmul$",
    "convolution": r"conv",
    "copies": r"copy|cat$|stack$|clone$|contiguous$|pad|repeat|index|gather|upsample",
    "norms and element-wise": r"norm(?!al)|(lu|sigmoid|tanh|add|sub|mul|div|pow|square|sqrt|neg|abs|exp|sin|cos|"
    r"reciprocal|sum|mean|clamp|clamp_min|clamp_max)_?$",
}
REST = "rest"
COLOURS = ("#d1495b", "#1f5fa8", "#2f9e77", "#e0a030", "#a9c6e6", "#c8c8c8")

Shares = Mapping[str, Mapping[str, float]]  #: phase, kind -> of the whole edit, 0 … 1


class Cuts:
    """Seconds by phase and kind of kernel; a phase ends where `cut` says so, and the next one begins."""

    def __init__(self, device: torch.device) -> None:
        self.is_cuda = device.type == "cuda"
        self.seconds: dict[str, Counter[str]] = {phase: Counter() for phase in PHASES}
        self._begin()

    def cut(self, phase: str) -> None:
        """What ran since the last cut was this phase."""
        passed = time.perf_counter() - self.began
        self.profiler.stop()
        found = self.seconds[phase]
        for operation in self.profiler.key_averages():
            if operation.device_type == DeviceType.CPU:  # a GPU's kernels are counted at the operation they belong to
                spent = operation.self_device_time_total if self.is_cuda else operation.self_cpu_time_total
                found[kind(operation.key)] += spent / 1e6
                passed -= spent / 1e6
        found[REST] += passed  # Python, Pillow, tokenizing; on a GPU, too, when nothing runs there
        self._begin()

    def end(self) -> None:
        self.profiler.stop()

    def _begin(self) -> None:
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if self.is_cuda else [])]
        self.profiler = profile(activities=activities)
        self.profiler.start()
        self.began = time.perf_counter()


def kind(operation: str) -> str:
    return next((name for name, pattern in KINDS.items() if re.search(pattern, operation)), REST)


def shares(editor: Editor, picture: Image.Image, runs: int) -> Shares:
    """Of `runs` edits after a first one that warms up. Each of another picture: what was looked at once is kept."""
    list(editor.edit([picture], PROMPT, seed=SEED))
    total: dict[str, Counter[str]] = {phase: Counter() for phase in PHASES}
    for run in range(runs):
        for phase, found in _profiled(editor, ImageChops.offset(picture, run + 1)).items():
            total[phase].update(found)
    whole = sum(sum(found.values()) for found in total.values())
    return {phase: {name: total[phase][name] / whole for name in (*KINDS, REST)} for phase in PHASES}


def _profiled(editor: Editor, picture: Image.Image) -> dict[str, Counter[str]]:
    cuts = Cuts(editor.device)
    # The editor prepares and takes its first step in one go; between the two it calls the network.
    hook = editor.parts.transformer.register_forward_pre_hook(_once(lambda: cuts.cut("prepare")))
    for event in editor.edit([picture], PROMPT, seed=SEED):
        if not isinstance(event, Step):
            cuts.cut("decode")
        elif event.index == event.total:
            cuts.cut("steps")
    hook.remove()
    cuts.end()
    return cuts.seconds


def _once(action: Callable[[], object]) -> Callable[..., None]:
    todo = [action]

    def hook(*_: object) -> None:
        while todo:
            todo.pop()()

    return hook


def draw(found: Shares, title: str, path: Path) -> None:
    """A bar a phase, as long as its share of the edit, in the colours of its kinds."""
    mpl.use("Agg")
    figure, axis = plt.subplots(figsize=(8, 2.6), layout="constrained")
    begin = dict.fromkeys(PHASES, 0.0)
    for name, colour in zip((*KINDS, REST), COLOURS, strict=True):
        lengths = [100 * found[phase][name] for phase in PHASES]
        axis.barh(PHASES, lengths, left=list(begin.values()), color=colour, label=name)
        begin = {phase: begin[phase] + length for phase, length in zip(PHASES, lengths, strict=True)}
    axis.invert_yaxis()
    axis.margins(x=0.02)
    axis.set_xlabel("share of the edit's time, %")
    axis.set_title(title, fontsize=10, loc="left")
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def rows(found: Shares) -> list[list[str]]:
    """A row a kind, a column a phase, and their sums."""
    cells = [[name, *(found[phase][name] for phase in PHASES)] for name in (*KINDS, REST)]
    cells.append(["all", *(sum(found[phase].values()) for phase in PHASES)])
    return [[name, *(f"{share:.1%}" for share in (*by_phase, sum(by_phase)))] for name, *by_phase in cells]


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--checkpoint", default="mini", help="mini, a folder, or a hub id that was pulled")
    options.add_argument("--device", default="cpu")
    options.add_argument("--threads", type=int, help="torch's own number unless said")
    options.add_argument("--runs", type=int, default=3, help="edits that count")
    options.add_argument("--out", type=Path, default=report.ROOT / "build" / "profile.png")
    given = options.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    editor = load_editor(given.checkpoint, device=given.device)
    checkpoint, side = editor.checkpoint, round(editor.checkpoint.native_pixels**0.5)
    dtype = str(editor.dtype).removeprefix("torch.")
    what = f"{checkpoint.id}, {side}², {checkpoint.default_steps} steps, {editor.device.type}, {dtype}"
    found = shares(editor, Image.open(PHOTOGRAPH).convert("RGB"), given.runs)
    report.head(f"Where an edit's time goes: {what}", PACKAGES)
    report.table(["kind of kernel", *PHASES, "edit"], rows(found))
    report.foot(
        f"Shares of {given.runs} edits under torch's profiler with {torch.get_num_threads()} threads.",
        "Rest: Python, Pillow, the tokenizer, and all other operations of torch.",
    )
    draw(found, what, given.out)


if __name__ == "__main__":
    main()
