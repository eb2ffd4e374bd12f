"""The figures of an evaluation: confusion matrix, curves, reliability, metrics by level."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lss_cli.anatomy import Severity
from lss_cli.evaluation.baselines import BY_LEVEL as PRIOR_BY_LEVEL
from lss_cli.evaluation.bootstrap import Estimate
from lss_cli.evaluation.curves import pr_points, roc_points
from lss_cli.evaluation.evaluation import MODEL, Evaluation
from lss_cli.evaluation.predictions import ALL
from lss_cli.evaluation.presentation.table import FEW_METRICS
from lss_cli.evaluation.reliability import BINS, reliability
from lss_cli.evaluation.sample import BoolArray
from lss_cli.render.plot import BLUE, GREY, VERMILION, style

# A bin with fewer rows is drawn hollow: its share says next to nothing.
FEW = 5


class Question(NamedTuple):
    """What a score answers by yes or no.

    Attributes:
        name: For people.
        area: Key of its area under the ROC curve.
        positive: Which rows are, N truth values.
        scores: N numbers, higher for positives.
        line: How it is drawn.
    """

    name: str
    area: str
    positive: BoolArray
    scores: npt.NDArray[Any]
    line: dict[str, Any]

    @property
    def has_both(self) -> bool:
        """Whether there are positive and negative rows."""
        return bool(self.positive.any() and not self.positive.all())


def draw_figures(evaluation: Evaluation) -> dict[str, Figure]:
    """All figures by the name of their files."""
    with style():
        return {
            "confusion": confusion(evaluation),
            "roc": roc(evaluation),
            "pr": pr(evaluation),
            "reliability": reliability_diagram(evaluation),
            "by_level": by_level(evaluation),
        }


def questions(evaluation: Evaluation) -> list[Question]:
    """The two whose answers are scores: at least Moderate, and Severe."""
    labels, probabilities = evaluation.part.labels, evaluation.part.probabilities
    moderate = labels >= 1, probabilities[:, 1] + probabilities[:, 2]
    severe = labels == 2, probabilities[:, 2]
    return [
        Question(
            "≥ Moderate", "auc_at_least_moderate", *moderate, {"color": BLUE, "linestyle": "-"}
        ),
        Question("Severe", "auc_severe", *severe, {"color": VERMILION, "linestyle": "--"}),
    ]


def confusion(evaluation: Evaluation) -> Figure:
    """Counts, and their share of the true class as the shade."""
    figure = Figure(figsize=(5.2, 4.2))
    axes = figure.add_subplot()
    counts = np.array(evaluation.confusion)
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
    names = list(map(str, Severity))
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="grade", ylabel="true class")
    figure.suptitle(_title(evaluation))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.85)
    bar.outline.set_visible(False)
    return figure


def roc(evaluation: Evaluation) -> Figure:
    """True against false positive rate."""
    figure, axes = _square(evaluation, "false positive rate", "true positive rate (sensitivity)")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=0.8)
    for question in questions(evaluation):
        if question.has_both:
            area = _short(evaluation.estimates[MODEL][ALL][question.area])
            points = roc_points(question.positive, question.scores)
            axes.plot(*points, label=f"{question.name}, AUC {area}", **question.line)
    _legend(figure)
    return figure


def pr(evaluation: Evaluation) -> Figure:
    """Precision against recall."""
    figure, axes = _square(evaluation, "recall (sensitivity)", "precision")
    for question in questions(evaluation):
        if question.has_both:
            share = question.positive.mean()
            axes.axhline(share, color=question.line["color"], linestyle=":", linewidth=1)
            axes.plot(
                *pr_points(question.positive, question.scores),
                label=f"{question.name} (share of rows {share:.0%}, dotted)",
                **question.line,
            )
    _legend(figure)
    return figure


def reliability_diagram(evaluation: Evaluation) -> Figure:
    """Observed share against predicted probability, and below how often each is predicted."""
    figure = Figure(figsize=(8.4, 5.2))
    panels = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[4, 1])
    for question, (top, below) in zip(questions(evaluation), panels.T, strict=True):
        colour = question.line["color"]
        bins = reliability(question.positive, question.scores, evaluation.resamples)
        top.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=0.8)
        for bin_ in bins:
            _interval(top, bin_.predicted, bin_.observed, color=colour)
            filled = colour if bin_.rows >= FEW else "white"
            at = bin_.predicted, bin_.observed.value
            top.plot(*at, marker="o", color=colour, markerfacecolor=filled, markersize=6)
        centres = (np.array([bin_.number for bin_ in bins]) + 0.5) / BINS
        bars = below.bar(centres, [bin_.rows for bin_ in bins], width=0.9 / BINS, color=colour)
        below.bar_label(bars, fontsize=8, padding=1)
        top.set(title=question.name, xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        below.set(xlabel="predicted probability", yticks=[])
        below.margins(y=0.35)
        below.spines["left"].set_visible(False)
    panels[0, 0].set_ylabel("observed share")
    panels[1, 0].set_ylabel("rows")
    figure.suptitle(_title(evaluation))
    return figure


def by_level(evaluation: Evaluation) -> Figure:
    """Four metrics at each level and overall, beside the prior by level where it is known."""
    figure = Figure(figsize=(8.4, 5.6))
    scopes = [*evaluation.members("level"), ALL]
    drawn = {PRIOR_BY_LEVEL: {"marker": "D", "color": GREY, "markerfacecolor": "white"}}
    drawn = {name: marks for name, marks in drawn.items() if name in evaluation.estimates}
    drawn[MODEL] = {"marker": "o", "color": BLUE}
    for number, metric in enumerate(FEW_METRICS, start=1):
        axes = figure.add_subplot(2, 2, number)
        better = "higher" if metric.better > 0 else "lower"
        axes.set_title(f"{metric.name} ({better} is better)")
        for name, marks in drawn.items():
            values = [evaluation.estimates[name][scope][metric.key] for scope in scopes]
            _points(axes, values, shift=0.12 if name == MODEL else -0.12, **marks)
        axes.axvline(len(scopes) - 1.5, color=GREY, linewidth=0.6)
        axes.set_xticks(range(len(scopes)), scopes)
        axes.set_xlim(-0.5, len(scopes) - 0.5)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.grid(axis="y", linewidth=0.4, alpha=0.6)
    handles, _ = figure.axes[0].get_legend_handles_labels()
    figure.suptitle(_title(evaluation))
    names = [evaluation.part.name if name == MODEL else name for name in drawn]
    figure.legend(handles[: len(names)], names, loc="outside lower center", ncols=2)
    return figure


def _points(axes: Axes, values: list[Estimate], shift: float, **marks: Any) -> None:
    x = np.arange(len(values)) + shift
    y = [np.nan if estimate.value is None else estimate.value for estimate in values]
    axes.plot(x, y, linestyle="", markersize=5, label="points", **marks)
    for at, estimate in zip(x, values, strict=True):
        _interval(axes, at, estimate, color=marks["color"], zorder=0)


def _interval(axes: Axes, at: float, estimate: Estimate, **line: Any) -> None:
    if estimate.low is not None and estimate.high is not None:
        axes.plot([at, at], [estimate.low, estimate.high], linewidth=1.2, **line)


def _square(evaluation: Evaluation, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.0, 5.4))
    axes = figure.add_subplot()
    figure.suptitle(_title(evaluation))
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    return figure, axes


def _legend(figure: Figure) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center")


def _title(evaluation: Evaluation) -> str:
    rows = f"{len(evaluation.part.labels)} rows, {evaluation.part.studies} studies"
    return f"{evaluation.part.name}, {evaluation.settings.split} ({rows})"


def _short(estimate: Estimate) -> str:
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} ({estimate.low:.2f}–{estimate.high:.2f})"
