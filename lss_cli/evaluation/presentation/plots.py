"""The figures of an evaluation, drawn so that they can be told apart without colour."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lss_cli.anatomy import Severity
from lss_cli.evaluation.bootstrap import Estimate
from lss_cli.evaluation.curves import pr_points, roc_points
from lss_cli.evaluation.evaluation import MODEL, OVERALL, Evaluation
from lss_cli.evaluation.reliability import BINS, reliability
from lss_cli.evaluation.sample import BoolArray

# Okabe and Ito, "Color Universal Design", 2008.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#6b6b6b"

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "savefig.dpi": 160,
    "figure.constrained_layout.use": True,
    # Names are text, whatever signs they hold.
    "text.parse_math": False,
    # The same evaluation gives the same file.
    "svg.hashsalt": "lss",
}

FEW = 5
"""A bin with fewer rows is drawn hollow: its share says next to nothing."""

BY_LEVEL = ("accuracy", "log_loss", "auc_at_least_moderate", "quadratic_kappa")

Task = tuple[str, str, BoolArray, npt.NDArray[Any], dict[str, Any]]
"""Name, key of its area, which rows are positive, their scores, how its line looks."""


def figures(found: Evaluation) -> dict[str, Figure]:
    """All figures by the name of their files."""
    with mpl.rc_context(STYLE):
        return {
            "confusion": confusion(found),
            "roc": roc(found),
            "pr": pr(found),
            "reliability": reliability_diagram(found),
            "by_level": by_level(found),
        }


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the suffix names, the same bytes each time."""
    with mpl.rc_context(STYLE):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def tasks(found: Evaluation) -> list[Task]:
    """The two questions whose answers are scores: at least Moderate, and Severe."""
    labels, probabilities = found.part.labels, found.part.probabilities
    moderate = labels >= 1, probabilities[:, 1] + probabilities[:, 2]
    severe = labels == 2, probabilities[:, 2]
    return [
        ("≥ Moderate", "auc_at_least_moderate", *moderate, {"color": BLUE, "linestyle": "-"}),
        ("Severe", "auc_severe", *severe, {"color": VERMILION, "linestyle": "--"}),
    ]


def confusion(found: Evaluation) -> Figure:
    """Counts, and their share of the true class as the shade."""
    figure = Figure(figsize=(5.2, 4.2))
    axes = figure.add_subplot()
    counts = np.array(found.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{count}\n{share:.0%}",
            ha="center",
            va="center",
            color="white" if share > 0.55 else "black",
        )
    names = [str(one) for one in Severity]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="most likely class", ylabel="true class", title=_title(found))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.85)
    bar.outline.set_visible(False)
    return figure


def roc(found: Evaluation) -> Figure:
    """True against false positive rate."""
    figure, axes = _square(found, "false positive rate", "true positive rate (sensitivity)")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=0.8)
    for name, key, positive, scores, style in tasks(found):
        if not positive.all() and positive.any():
            area = _short(found.estimates[MODEL][OVERALL][key])
            axes.plot(*roc_points(positive, scores), label=f"{name}, AUC {area}", **style)
    _legend(figure)
    return figure


def pr(found: Evaluation) -> Figure:
    """Precision against recall."""
    figure, axes = _square(found, "recall (sensitivity)", "precision")
    for name, _, positive, scores, style in tasks(found):
        if not positive.all() and positive.any():
            share = positive.mean()
            axes.axhline(share, color=style["color"], linestyle=":", linewidth=1)
            axes.plot(
                *pr_points(positive, scores),
                label=f"{name} (share of rows {share:.0%}, dotted)",
                **style,
            )
    _legend(figure)
    return figure


def reliability_diagram(found: Evaluation) -> Figure:
    """Observed share against predicted probability, and below how often each is predicted."""
    figure = Figure(figsize=(8.4, 5.2))
    both = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[4, 1])
    for (name, _, positive, scores, style), (top, below) in zip(tasks(found), both.T, strict=True):
        colour = style["color"]
        bins = reliability(positive, scores, found.resamples)
        top.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=0.8)
        for one in bins:
            if one.observed.low is not None and one.observed.high is not None:
                ends = [one.observed.low, one.observed.high]
                top.plot([one.predicted] * 2, ends, color=colour, linewidth=1.2)
            filled = colour if one.rows >= FEW else "white"
            at = one.predicted, one.observed.value
            top.plot(*at, marker="o", color=colour, markerfacecolor=filled, markersize=6)
        centres = (np.array([one.number for one in bins]) + 0.5) / BINS
        bars = below.bar(centres, [one.rows for one in bins], width=0.9 / BINS, color=colour)
        below.bar_label(bars, fontsize=8, padding=1)
        top.set(title=name, xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        below.set(xlabel="predicted probability", yticks=[])
        below.margins(y=0.35)
        below.spines["left"].set_visible(False)
    both[0, 0].set_ylabel("observed share")
    both[1, 0].set_ylabel("rows")
    figure.suptitle(_title(found), fontweight="bold", fontsize=11)
    return figure


def by_level(found: Evaluation) -> Figure:
    """Four figures at each level and overall, beside the prior by level."""
    figure = Figure(figsize=(8.4, 5.6))
    shown = [one for one in found.metrics if one.key in BY_LEVEL]
    scopes = [*(scope for scope in found.estimates[MODEL] if scope != OVERALL), OVERALL]
    for place, one in enumerate(shown):
        axes = figure.add_subplot(2, 2, place + 1)
        better = "higher" if one.better > 0 else "lower"
        axes.set_title(f"{one.name} ({better} is better)")
        for name, style in (
            ("prior by level", {"marker": "D", "color": GREY, "markerfacecolor": "white"}),
            (MODEL, {"marker": "o", "color": BLUE}),
        ):
            values = [found.estimates[name][scope][one.key] for scope in scopes]
            _points(axes, values, shift=0.12 if name == MODEL else -0.12, **style)
        axes.axvline(len(scopes) - 1.5, color=GREY, linewidth=0.6)
        axes.set_xticks(range(len(scopes)), scopes)
        axes.set_xlim(-0.5, len(scopes) - 0.5)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.grid(axis="y", linewidth=0.4, alpha=0.6)
    handles, _ = figure.axes[0].get_legend_handles_labels()
    figure.suptitle(_title(found), fontweight="bold", fontsize=11)
    figure.legend(
        handles[:2], ["prior by level", found.part.name], loc="outside lower center", ncols=2
    )
    return figure


def _points(axes: Axes, values: list[Estimate], shift: float, **style: Any) -> None:
    x = [place + shift for place, one in enumerate(values) if one.value is not None]
    defined = [one for one in values if one.value is not None]
    y = [one.value for one in defined if one.value is not None]
    axes.plot(x, y, linestyle="", markersize=5, label="points", **style)
    for at, one in zip(x, defined, strict=True):
        if one.low is not None and one.high is not None:
            axes.plot([at, at], [one.low, one.high], color=style["color"], linewidth=1.2, zorder=0)


def _square(found: Evaluation, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.0, 5.4))
    axes = figure.add_subplot()
    axes.set(xlabel=xlabel, ylabel=ylabel, title=_title(found))
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    return figure, axes


def _legend(figure: Figure) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center")


def _title(found: Evaluation) -> str:
    rows = f"{len(found.part.labels)} rows, {found.part.studies} studies"
    return f"{found.part.name}, {found.settings.split} ({rows})"


def _short(one: Estimate) -> str:
    if one.value is None:
        return "–"
    if one.low is None or one.high is None:
        return f"{one.value:.2f}"
    return f"{one.value:.2f} ({one.low:.2f}–{one.high:.2f})"
