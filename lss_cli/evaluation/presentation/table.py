"""An evaluation as tables for a terminal of 100 columns."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lss_cli.anatomy import Severity
from lss_cli.dataset.split import TRAIN
from lss_cli.evaluation.baselines import BY_LEVEL as PRIOR_BY_LEVEL
from lss_cli.evaluation.baselines import DEFINITIONS as BASELINE_DEFINITIONS
from lss_cli.evaluation.baselines import Baselines
from lss_cli.evaluation.bootstrap import Estimate
from lss_cli.evaluation.evaluation import MODEL, Evaluation
from lss_cli.evaluation.grade_counts import EVALUATED_ROWS, TRAINING_PART
from lss_cli.evaluation.metrics import GROUPS, METRICS, Metric, metrics_with
from lss_cli.evaluation.predictions import ALL
from lss_cli.evaluation.rules import RULE_METRICS, SHOWN_METRICS
from lss_cli.evaluation.scopes import Grouping
from lss_cli.render.table import plain_table
from lss_cli.text import printable

# The metrics whose intervals fit side by side; the files hold all.
FEW_METRICS = [
    METRICS[key] for key in ("accuracy", "log_loss", "auc_at_least_moderate", "quadratic_kappa")
]

# The groups whose figures are shown, each with the head of its table.
TITLES: dict[Grouping, str] = {
    "side": "By side",
    "level": "By level",
    "severity": "By severity",
    "distance": "By distance from the annotated slice",
}

BY_RULE = "Grades by weight beside the likeliest ones"


def to_table(evaluation: Evaluation) -> RenderableType:
    """All metrics beside the baselines, the confusion matrix, and some metrics by group."""
    return Group(
        Text(heading(evaluation), style="bold"),
        Text(""),
        _overall(evaluation),
        Text(""),
        Text("True class (rows) and grade (columns)", style="bold"),
        _confusion(evaluation),
        *_by_rule(evaluation),
        *_by_group(evaluation),
        Text(""),
        *(Text(line, style="dim") for line in remarks(evaluation)),
    )


def definitions(beta: float) -> RenderableType:
    """What each metric and each baseline is."""
    table = plain_table("figure", "definition", wrapped=["definition"])
    for metric in (*metrics_with(beta), *SHOWN_METRICS):
        table.add_row(metric.name, metric.definition)
    table.add_section()
    for name, what in BASELINE_DEFINITIONS.items():
        table.add_row(name, what)
    return table


def heading(evaluation: Evaluation) -> str:
    """What was evaluated, in one line."""
    part, split = evaluation.part, evaluation.settings.split
    rows = f"{len(part.labels)} rows of {part.studies} studies"
    return f"{printable(part.name)}: {'all parts' if split == ALL else split}, {rows}"


def remarks(evaluation: Evaluation) -> list[str]:
    """What has to be said beside the values."""
    lines = [f"Grade: {evaluation.part.rule.text}.", _intervals(evaluation)]
    lines.append(_about_baselines(evaluation.baselines))
    lines.append("↑ higher is better, ↓ lower is better. – undefined: a class is missing.")
    if (evaluation.part.table["split"] == TRAIN).any():
        lines.append("The training part is among these rows: the figures flatter the model.")
    return lines


def _intervals(evaluation: Evaluation) -> str:
    if drawn := len(evaluation.resamples.counts):
        return f"[ ]: 95 % interval from {drawn} resamples of studies."
    if evaluation.part.studies == 1:
        return "One study says nothing about others: there are no intervals."
    return "Without resamples there are no intervals."


def _about_baselines(baselines: Baselines) -> str:
    if baselines.fitted_on == EVALUATED_ROWS:
        return (
            "Baselines see no image. The training part is not in these predictions, so they are "
            "fitted on the evaluated rows, which flatters them."
        )
    if baselines.fitted_on == TRAINING_PART:
        return "Baselines see no image; they are fitted on the training part."
    if not baselines.by_name:
        return "There are no baselines: the model file does not say how often it saw each grade."
    missing = "" if PRIOR_BY_LEVEL in baselines.by_name else "; it does not say them by level"
    return (
        "Baselines see no image; they are fitted on the counts of grades that the model was "
        f"trained on, as its file has them{missing}."
    )


def text(estimate: Estimate, *, interval: bool = True) -> str:
    """``0.797 [0.738, 0.850]``."""
    if estimate.value is None:
        return "–"
    if not interval or estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def arrow(metric: Metric) -> str:
    """Which way is better."""
    return "↑" if metric.better > 0 else "↓"


def _overall(evaluation: Evaluation) -> Table:
    names = list(evaluation.baselines.by_name)
    table = plain_table(
        "figure", "", "value [95 % interval]", *names, numbers=range(2, 3 + len(names))
    )
    for group, metrics in groupby(evaluation.metrics, attrgetter("group")):
        table.add_section()
        table.add_row(Text(GROUPS[group], style="italic"))
        for metric in metrics:
            others = [evaluation.estimates[name][ALL][metric.key] for name in names]
            table.add_row(
                metric.name,
                arrow(metric),
                text(evaluation.estimates[MODEL][ALL][metric.key]),
                *(text(value, interval=False) for value in others),
            )
    return table


def _confusion(evaluation: Evaluation) -> Table:
    table = plain_table("", *Severity, "rows", numbers=range(1, 5))
    for grade, counts in zip(Severity, evaluation.confusion, strict=True):
        total = sum(counts)
        cells = [f"{count} ({count / total:.0%})" if total else "0" for count in counts]
        table.add_row(str(grade), *cells, str(total))
    return table


def _by_group(evaluation: Evaluation) -> Iterator[RenderableType]:
    for group, title in TITLES.items():
        if not (members := evaluation.members(group)):
            continue
        # The names of distances leave room for three.
        metrics = FEW_METRICS[group == "distance" :]
        head = [group, "rows", *(metric.name for metric in metrics)]
        rows = [
            [
                name,
                str(evaluation.rows(name)),
                *(text(evaluation.estimates[MODEL][name][metric.key]) for metric in metrics),
            ]
            for name in members
        ]
        if group == "severity":
            head, rows = by_severity(evaluation)
        yield from (Text(""), Text(title, style="bold"))
        yield plain_table(*head, numbers=range(1, len(head)), rows=rows)


def _by_rule(evaluation: Evaluation) -> Iterator[RenderableType]:
    if evaluation.by_rule:
        head, rows = by_rule(evaluation, ALL)
        yield from (Text(""), Text(BY_RULE, style="bold"))
        yield plain_table(*head, numbers=range(1, len(head)), rows=rows)


def by_rule(evaluation: Evaluation, scope: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table of grades by weight beside the likeliest ones."""
    rows = [
        [
            f"{metric.name} {arrow(metric)}",
            *map(text, evaluation.by_rule[scope][metric.key].estimates),
        ]
        for metric in RULE_METRICS
    ]
    return ["figure", "the likeliest", "by weight", "difference"], rows


def by_severity(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a table of each grade: how much of it is found, and how surely."""
    overall, rows = evaluation.estimates[MODEL][ALL], []
    for name in evaluation.members("severity"):
        key, of_grade = Severity(name).column, evaluation.estimates[MODEL][name]
        values = [
            overall[f"sensitivity_{key}"],
            overall[f"specificity_{key}"],
            of_grade["log_loss"],
        ]
        rows.append([name, str(evaluation.rows(name)), *map(text, values)])
    return ["severity", "rows", "sensitivity", "specificity", "log loss"], rows
