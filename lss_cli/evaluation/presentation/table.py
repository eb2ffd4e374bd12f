"""An evaluation as tables for a terminal of 100 columns."""

from collections.abc import Iterable

from rich import box
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from lss_cli.anatomy import Severity
from lss_cli.dataset.split import TRAIN
from lss_cli.evaluation.baselines import DEFINITIONS as BASELINE_DEFINITIONS
from lss_cli.evaluation.bootstrap import Estimate
from lss_cli.evaluation.evaluation import MODEL, OVERALL, Evaluation
from lss_cli.evaluation.metrics import GROUPS, metrics_with
from lss_cli.text import printable

BY_LEVEL = ("accuracy", "log_loss", "auc_at_least_moderate", "quadratic_kappa")
"""The figures whose intervals fit side by side; the files hold all."""


def to_table(found: Evaluation) -> RenderableType:
    """All figures beside the baselines, the confusion matrix, and some figures by level."""
    return Group(
        Text(heading(found), style="bold"),
        Text(""),
        _overall(found),
        Text(""),
        Text("True class (rows) and most likely class (columns)", style="bold"),
        _confusion(found),
        Text(""),
        Text("By level", style="bold"),
        _by_level(found),
        Text(""),
        *(Text(line, style="dim") for line in remarks(found)),
    )


def definitions(beta: float) -> RenderableType:
    """What each figure is."""
    table = plain_table("figure", "definition")
    for one in metrics_with(beta):
        table.add_row(one.name, one.definition)
    table.add_section()
    for name, what in BASELINE_DEFINITIONS.items():
        table.add_row(name, what)
    return table


def heading(found: Evaluation) -> str:
    """What was evaluated, in one line."""
    part, split = found.part, found.settings.split
    rows = f"{len(part.labels)} rows of {part.studies} studies"
    return f"{printable(part.name)}: {'all parts' if split == OVERALL else split}, {rows}"


def remarks(found: Evaluation) -> list[str]:
    """What has to be said beside the figures."""
    lines = [_intervals(found), "Baselines see no image; they are fitted on the training part."]
    if not found.baselines.fitted_on_training:
        lines[-1] = (
            "Baselines see no image. The training part is not in these predictions, so they are "
            "fitted on the evaluated rows, which flatters them."
        )
    lines.append("↑ higher is better, ↓ lower is better. – undefined: a class is missing.")
    if (found.part.table["split"] == TRAIN).any():
        lines.append("The training part is among these rows: the figures flatter the model.")
    return lines


def _intervals(found: Evaluation) -> str:
    if drawn := len(found.resamples.counts):
        return f"[ ]: 95 % interval from {drawn} resamples of studies."
    if found.part.studies == 1:
        return "One study says nothing about others: there are no intervals."
    return "Without resamples there are no intervals."


def text(one: Estimate, *, interval: bool = True) -> str:
    """``0.797 [0.738, 0.850]``."""
    if one.value is None:
        return "–"
    if not interval or one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def arrow(better: int) -> str:
    """Which way is better."""
    return "↑" if better > 0 else "↓"


def _overall(found: Evaluation) -> Table:
    names = list(found.baselines.by_name)
    table = plain_table(
        "figure", "", "value [95 % interval]", *names, numbers=range(2, 3 + len(names))
    )
    group = None
    for one in found.metrics:
        if one.group != group:
            group = one.group
            table.add_section()
            table.add_row(Text(GROUPS[group], style="italic"))
        others = [found.estimates[name][OVERALL][one.key] for name in names]
        table.add_row(
            one.name,
            arrow(one.better),
            text(found.estimates[MODEL][OVERALL][one.key]),
            *(text(value, interval=False) for value in others),
        )
    return table


def _confusion(found: Evaluation) -> Table:
    table = plain_table("", *Severity, "rows", numbers=range(1, 5))
    for grade, counts in zip(Severity, found.confusion, strict=True):
        total = sum(counts)
        cells = [f"{count} ({count / total:.0%})" if total else "0" for count in counts]
        table.add_row(str(grade), *cells, str(total))
    return table


def _by_level(found: Evaluation) -> Table:
    shown = [one for one in found.metrics if one.key in BY_LEVEL]
    table = plain_table(
        "level", "rows", *(one.name for one in shown), numbers=range(1, 2 + len(shown))
    )
    for level, estimates in found.estimates[MODEL].items():
        if level != OVERALL:
            values = [text(estimates[one.key]) for one in shown]
            table.add_row(level, str(found.rows(level)), *values)
    return table


def plain_table(*columns: str, numbers: Iterable[int] = ()) -> Table:
    """A table without a frame; the columns at the places of `numbers` stand to the right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(columns):
        # A name is text, even if it looks like markup.
        head = Text(str(name))
        justify: JustifyMethod = "right" if place in numbers else "left"
        table.add_column(head, justify=justify, no_wrap=name != "definition")
    return table
