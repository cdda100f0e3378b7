"""What was measured, as a Markdown table and a picture.

Knows rows and how to print them. Does not know how they came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks import report
from benchmarks.gpu_measure import Row
from benchmarks.gpu_rungs import DIFFUSERS

GB = 1e9
COLUMNS = (
    "case",
    "rung",
    "ratio",
    "ms",
    "TFLOP/s",
    "of the floor",
    "once an edit",
    "peak memory",
    "apart from plain",
    "steps, spread",
)
GREY, DARK, LIGHT = "#8a8a8a", "#1f5fa8", "#a9c6e6"


def table(measured: Mapping[str, Sequence[Row]], peak: float | None) -> None:
    """Prints a row for each rung of each case. peak: TFLOP/s of the device; None leaves the floor out."""
    report.table(COLUMNS, [_cells(case, row, rows, peak) for case, rows in measured.items() for row in rows])


def _cells(case: str, row: Row, rows: Sequence[Row], peak: float | None) -> list[str]:
    theirs = next((other.median for other in rows if other.rung == DIFFUSERS), None)
    reached = row.flop and row.flop / row.median / 1e9
    return [
        case if row is rows[0] else "",
        row.rung,
        f"{theirs / row.median:.2f} ×" if theirs else "",
        f"{row.median:,.1f}",
        f"{reached:,.3g}" if reached else "",
        f"{reached / peak:.0%}" if reached and peak else "",
        "" if row.before_ms is None else f"{row.before_ms:,.1f} ms",
        "not counted" if row.peak_bytes is None else f"{row.peak_bytes / GB:.1f} GB",
        "" if row.apart is None else f"{row.apart:.1e}" if row.apart else "equal",
        f"{len(row.ms)}, {report.spread(row.ms)}",
    ]


def picture(measured: Mapping[str, Sequence[Row]], title: str, peak: float | None, path: Path) -> None:
    """A bar a rung, a panel a case, and the floor as a line. Only what has a formula is drawn."""
    shown = {case: [row for row in rows if row.flop] for case, rows in measured.items() if rows and rows[0].flop}
    if not shown:
        return
    mpl.use("Agg")
    heights = [len(rows) + 1 for rows in shown.values()]
    figure, panels = plt.subplots(
        len(shown),
        squeeze=False,
        figsize=(9, 0.9 + 0.27 * sum(heights)),
        layout="constrained",
        height_ratios=heights,
    )
    for axis, (case, rows) in zip(panels[:, 0], shown.items(), strict=True):
        _panel(axis, case, rows, peak)
    panels[-1, 0].set_xlabel("ms a step; the dashed line is the floor" if peak else "ms a step")
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _panel(axis: Axes, case: str, rows: Sequence[Row], peak: float | None) -> None:
    last = len(rows) - 1
    colours = [GREY if row.rung == DIFFUSERS else DARK if index == last else LIGHT for index, row in enumerate(rows)]
    bars = axis.barh([row.rung for row in rows], [row.median for row in rows], color=colours)
    axis.bar_label(bars, fmt="%.0f", padding=3, fontsize=8)
    axis.margins(x=0.1)
    axis.invert_yaxis()
    axis.tick_params(labelsize=8)
    axis.set_title(case, fontsize=9, loc="left")
    if peak and rows[0].flop:
        axis.axvline(rows[0].flop / peak / 1e9, color="black", linestyle="--", linewidth=1)
