"""An evaluation as a folder: figures as files, and one page that shows them all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lss_cli.anatomy import Severity
from lss_cli.evaluation.evaluation import MODEL, Evaluation
from lss_cli.evaluation.predictions import ALL
from lss_cli.evaluation.presentation.files import to_csv, to_json
from lss_cli.evaluation.presentation.table import arrow, heading, remarks, text
from lss_cli.files import write_text
from lss_cli.render.page import data_uri, render_page

CAPTIONS = {
    "confusion": "Confusion matrix: rows in each cell, and their share of the true class.",
    "roc": "ROC curves. The dashed diagonal is chance.",
    "pr": "Precision-recall curves. Dotted: the share of positives, which chance reaches.",
    "reliability": "Reliability: the share that is true among rows of similar predicted "
    "probability, with 95 % intervals; on the diagonal, predictions mean what they say. Hollow: "
    "fewer than 5 rows. Below: how many rows.",
    "by_level": "By level, with 95 % intervals; diamonds: the prior by level, without an image.",
}
# The heads of its columns, and its rows.
HtmlTable = tuple[Sequence[str], Sequence[Sequence[str]]]


def write_report(evaluation: Evaluation, out: Path) -> None:
    """Write ``metrics.json``, ``metrics.csv``, the figures and ``index.html``."""
    from lss_cli.evaluation.presentation.plots import draw_figures
    from lss_cli.render.plot import save

    pictures = {}
    for name, figure in draw_figures(evaluation).items():
        save(figure, out, name)
        pictures[name] = (out / f"{name}.svg").read_bytes()
    write_text(out / "metrics.json", to_json(evaluation))
    write_text(out / "metrics.csv", to_csv(evaluation))
    write_text(out / "index.html", to_html(evaluation, pictures))


def to_html(evaluation: Evaluation, pictures: Mapping[str, bytes]) -> str:
    """One page that needs no other file.

    Args:
        evaluation: What to show.
        pictures: SVG files by the names of `CAPTIONS`.
    """
    return render_page(
        "evaluation.html",
        heading=heading(evaluation),
        remarks=remarks(evaluation),
        overall=_overall(evaluation),
        confusion=_confusion(evaluation),
        by_level=_by_level(evaluation),
        pictures={
            name: (data_uri("svg+xml", pictures[name]), caption)
            for name, caption in CAPTIONS.items()
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
    return ("true \\ most likely", *map(str, Severity), "rows"), rows


def _by_level(evaluation: Evaluation) -> HtmlTable:
    levels = evaluation.estimates[MODEL]
    rows = [
        (metric.name, *(text(estimates[metric.key]) for estimates in levels.values()))
        for metric in evaluation.metrics
    ]
    return ("figure", *(f"{level} ({evaluation.rows(level)} rows)" for level in levels)), rows
