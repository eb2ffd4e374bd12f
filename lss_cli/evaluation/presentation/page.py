"""An evaluation as a folder: figures and predictions as files, and one page that shows all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lss_cli.anatomy import Severity
from lss_cli.evaluation.evaluation import MODEL, Evaluation
from lss_cli.evaluation.predictions import ALL, PREDICTIONS, write_predictions
from lss_cli.evaluation.presentation.files import to_csv, to_json
from lss_cli.evaluation.presentation.table import (
    BY_RULE,
    TITLES,
    arrow,
    by_rule,
    by_severity,
    heading,
    remarks,
    text,
)
from lss_cli.evaluation.rules import RULE_METRICS
from lss_cli.evaluation.scopes import Grouping
from lss_cli.files import write_text
from lss_cli.render.page import data_uri, render_page

CAPTIONS = {
    "confusion": "Confusion matrix: rows in each cell, and their share of the true class.",
    "roc": "ROC curves. The dashed diagonal is chance.",
    "pr": "Precision-recall curves. Dotted: the share of positives, which chance reaches.",
    "reliability": "Reliability: the share that is true among rows of similar predicted "
    "probability, with 95 % intervals; on the diagonal, predictions mean what they say. Hollow: "
    "fewer than 5 rows. Below: how many rows.",
    "by_level": "By level, with 95 % intervals; diamonds, where it is known: the prior by level, "
    "without an image.",
}
FILES = ("metrics.json", "metrics.csv", PREDICTIONS, "index.html")

# The heads of its columns, and its rows.
HtmlTable = tuple[Sequence[str], Sequence[Sequence[str]]]


def write_report(evaluation: Evaluation, out: Path, *, figures: bool = True) -> None:
    """Write `FILES`, and the figures, which need matplotlib; earlier ones go."""
    for name in CAPTIONS:
        for suffix in (".png", ".svg"):
            (out / f"{name}{suffix}").unlink(missing_ok=True)
    pictures = {}
    if figures:
        from lss_cli.evaluation.presentation.plots import draw_figures
        from lss_cli.render.plot import save

        for name, figure in draw_figures(evaluation).items():
            save(figure, out, name)
            pictures[name] = (out / f"{name}.svg").read_bytes()
    part = evaluation.part
    write_predictions(out / PREDICTIONS, part.table, part.probabilities)
    write_text(out / "metrics.json", to_json(evaluation))
    write_text(out / "metrics.csv", to_csv(evaluation))
    write_text(out / "index.html", to_html(evaluation, pictures))


def to_html(evaluation: Evaluation, pictures: Mapping[str, bytes]) -> str:
    """One page that needs no other file.

    Args:
        evaluation: What to show.
        pictures: SVG files by the names of `CAPTIONS`, or none.
    """
    return render_page(
        "evaluation.html",
        heading=heading(evaluation),
        remarks=remarks(evaluation),
        overall=_overall(evaluation),
        confusion=_confusion(evaluation),
        by_rule={
            BY_RULE + (f", {scope}" if scope != ALL else ""): _by_rule(evaluation, scope)
            for scope in evaluation.by_rule
        },
        groups=[
            (group, title, _by_group(evaluation, group))
            for group, title in TITLES.items()
            if evaluation.members(group)
        ],
        pictures={
            name: (data_uri("svg+xml", pictures[name]), caption)
            for name, caption in CAPTIONS.items()
            if name in pictures
        },
    )


def _overall(evaluation: Evaluation) -> HtmlTable:
    names = list(evaluation.baselines.by_name)
    rows = []
    for metric in evaluation.metrics:
        estimates = [evaluation.estimates[name][ALL][metric.key] for name in (MODEL, *names)]
        name = f"{metric.name} {arrow(metric)}"
        rows.append((name, *map(text, estimates), metric.definition))
    return ("figure", evaluation.part.name, *names, "definition"), rows


def _confusion(evaluation: Evaluation) -> HtmlTable:
    rows = [
        (str(grade), *map(str, counts), str(sum(counts)))
        for grade, counts in zip(Severity, evaluation.confusion, strict=True)
    ]
    return ("true \\ grade", *map(str, Severity), "rows"), rows


def _by_rule(evaluation: Evaluation, scope: str) -> HtmlTable:
    head, rows = by_rule(evaluation, scope)
    return (*head, "definition"), [
        [*row, metric.definition] for row, metric in zip(rows, RULE_METRICS, strict=True)
    ]


def _by_group(evaluation: Evaluation, group: Grouping) -> HtmlTable:
    if group == "severity":
        return by_severity(evaluation)
    members = [*evaluation.members(group), ALL]
    rows = [
        (metric.name, *(text(evaluation.estimates[MODEL][name][metric.key]) for name in members))
        for metric in evaluation.metrics
    ]
    return ("figure", *(f"{name} ({evaluation.rows(name)} rows)" for name in members)), rows
