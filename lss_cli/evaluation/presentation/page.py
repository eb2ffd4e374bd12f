"""An evaluation as a folder: figures as files, and one page that shows them all."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from lss_cli.anatomy import Severity
from lss_cli.evaluation.evaluation import MODEL, OVERALL, Evaluation
from lss_cli.evaluation.presentation.files import to_csv, to_json
from lss_cli.evaluation.presentation.table import arrow, heading, remarks, text
from lss_cli.files import replacing, write_text
from lss_cli.render.page import page, table_html

CAPTIONS = {
    "confusion": "Confusion matrix: rows in each cell, and their share of the true class.",
    "roc": "ROC curves. The dashed diagonal is chance.",
    "pr": "Precision-recall curves. Dotted: the share of positives, which chance reaches.",
    "reliability": "Reliability: the share that is true among rows of similar predicted "
    "probability, with 95 % intervals; on the diagonal, predictions mean what they say. Hollow: "
    "fewer than 5 rows. Below: how many rows.",
    "by_level": "By level, with 95 % intervals; diamonds: the prior by level, without an image.",
}


def write_report(found: Evaluation, out: Path) -> None:
    """Write ``metrics.json``, ``metrics.csv``, the figures and ``index.html``."""
    from lss_cli.evaluation.presentation.plots import figures, save

    pictures = {}
    for name, figure in figures(found).items():
        for suffix in (".png", ".svg"):
            with replacing(out / f"{name}{suffix}") as file:
                save(figure, file)
        pictures[name] = (out / f"{name}.svg").read_bytes()
    write_text(out / "metrics.json", to_json(found))
    write_text(out / "metrics.csv", to_csv(found))
    write_text(out / "index.html", to_html(found, pictures))


def to_html(found: Evaluation, pictures: dict[str, bytes]) -> str:
    """One page that needs no other file.

    Args:
        found: What to show.
        pictures: SVG files by the names of `CAPTIONS`.
    """
    title = f"Evaluation of {heading(found)}"
    body = [f"<h1>{escape(title)}</h1>", *(f"<p>{escape(line)}</p>" for line in remarks(found))]
    body += ["<h2>Figures</h2>", _overall(found)]
    body += ["<h2>Confusion matrix</h2>", _confusion(found), _picture("confusion", pictures)]
    body += ["<h2>Curves</h2>", _picture("roc", pictures), _picture("pr", pictures)]
    body += ["<h2>Reliability</h2>", _picture("reliability", pictures)]
    body += ["<h2>By level</h2>", _picture("by_level", pictures), _by_level(found)]
    return page(title, body)


def _overall(found: Evaluation) -> str:
    names = list(found.baselines.by_name)
    rows: list[Sequence[str]] = []
    for one in found.metrics:
        values = [found.estimates[name][OVERALL][one.key] for name in (MODEL, *names)]
        rows.append((f"{one.name} {arrow(one.better)}", *map(text, values), one.definition))
    return table_html(("figure", found.part.name, *names, "definition"), rows)


def _confusion(found: Evaluation) -> str:
    rows = [
        (str(grade), *map(str, counts), str(sum(counts)))
        for grade, counts in zip(Severity, found.confusion, strict=True)
    ]
    return table_html(("true \\ most likely", *map(str, Severity), "rows"), rows)


def _by_level(found: Evaluation) -> str:
    levels = found.estimates[MODEL]
    rows = [
        (one.name, *(text(estimates[one.key]) for estimates in levels.values()))
        for one in found.metrics
    ]
    heads = [f"{level} ({found.rows(level)} rows)" for level in levels]
    return table_html(("figure", *heads), rows)


def _picture(name: str, pictures: dict[str, bytes]) -> str:
    source = base64.b64encode(pictures[name]).decode()
    caption = escape(CAPTIONS[name])
    return (
        f'<figure><img src="data:image/svg+xml;base64,{source}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
