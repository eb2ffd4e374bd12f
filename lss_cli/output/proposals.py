"""Proposed points as a table for the terminal, as JSON and as a page."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lss_cli import __version__
from lss_cli.anatomy import Level, Side
from lss_cli.grading.result import DISCLAIMER
from lss_cli.locate.locate import CONDITIONS
from lss_cli.locate.proposal import UNCONFIRMED, Proposal, ProposedPoint
from lss_cli.points.point import Point
from lss_cli.render.page import data_uri, render_page
from lss_cli.render.table import plain_table
from lss_cli.text import printable

SURE, NOT_SURE = "sure", "to be confirmed"


def to_table(proposal: Proposal) -> RenderableType:
    """A row for each level, what is doubtful below it, and which series were looked at."""
    several = len({item.point.series_id for item in proposal.points}) > 1
    series = ["Series"] if several else []
    table = plain_table(
        "Level", *series, "Slice", "Left", "Right", "Confidence", "", numbers=range(1, 5)
    )
    if several:
        table.columns[1].max_width = 10
    for row in level_rows(proposal):
        cells = [row["level"], *([row["series"]] if several else []), row["slice"]]
        cells += [row["left"], row["right"], row["confidence"], row["status"]]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    parts: list[RenderableType] = [
        Text(f"Proposed points · study {printable(proposal.study_id)}", style="bold"),
        table,
    ]
    parts += [Text(text) for text in remarks(proposal)]
    parts += [Text(f"Warning: {text}") for text in proposal.doubts]
    parts += [
        Text(f"Note: {used.kind} series {printable(used.series_id)}: {printable(used.why, 200)}.")
        for used in proposal.series
    ]
    parts.append(Text(f"Nobody has looked at these points. {DISCLAIMER}"))
    return Group(*parts)


def level_rows(proposal: Proposal) -> list[dict[str, str]]:
    """A row for each level, as table and page show it."""
    rows = []
    for level in Level:
        sides = _sides(proposal, level)
        if not sides:
            dash = dict.fromkeys(("series", "slice", "left", "right", "confidence"), "–")
            rows.append({"level": str(level), **dash, "status": "not found"})
            continue
        first = sides[0]
        number = str(first.point.instance_number)
        if first.alternative:
            number += f" or {first.alternative.instance_number}"
        rows.append(
            {
                "level": str(level),
                "series": first.point.series_id.rpartition(".")[2],
                "slice": number,
                "left": _place(sides[0].point),
                "right": _place(sides[-1].point),
                "confidence": f"{min(item.confidence for item in sides):.0%}",
                "status": SURE if all(item.sure for item in sides) else NOT_SURE,
            }
        )
    return rows


def remarks(proposal: Proposal) -> list[str]:
    """Why levels are missing or doubtful; one cause once, whatever it concerns."""
    texts: dict[str, list[str]] = {}
    for level in Level:
        reasons = [proposal.missing[level]] if level in proposal.missing else []
        reasons += [text for item in _sides(proposal, level) for text in item.doubts]
        for text in dict.fromkeys(reasons):
            texts.setdefault(text, []).append(str(level))
    return [f"{', '.join(levels)}: {text}" for text, levels in texts.items()]


def _sides(proposal: Proposal, level: Level) -> list[ProposedPoint]:
    keys = [(CONDITIONS[side], level) for side in Side]
    return [proposal.by_key[key] for key in keys if key in proposal.by_key]


def _place(point: Point) -> str:
    return f"{point.x:.0f}, {point.y:.0f}"


def to_json(proposal: Proposal) -> str:
    """The document that docs/locate.schema.json describes."""
    document = {
        "program": f"lss {__version__}",
        "study_id": proposal.study_id,
        "discs": [
            {
                "level": str(disc.level),
                "position_mm": _rounded(disc.position),
                "series_id": disc.series_id,
                "instance_number": disc.instance_number,
                "x": disc.x,
                "y": disc.y,
                "confidence": round(disc.confidence, 4),
                "sure": disc.sure,
                "doubts": list(disc.doubts),
            }
            for disc in proposal.discs
        ],
        "points": [
            {
                **_point(item.point),
                "points": str(item.point.source),
                "position_mm": _rounded(item.position),
                "confidence": round(item.confidence, 4),
                "sure": item.sure,
                "doubts": list(item.doubts),
                "alternative": _point(item.alternative) if item.alternative else None,
            }
            for item in proposal.points
        ],
        "missing": [
            {"level": str(level), "reason": reason} for level, reason in proposal.missing.items()
        ],
        "series": [
            {"kind": used.kind, "series_id": used.series_id, "why": used.why}
            for used in proposal.series
        ],
        "doubts": list(proposal.doubts),
        "models": list(proposal.models),
        "disclaimer": DISCLAIMER,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _rounded(position: Sequence[float]) -> list[float]:
    return [round(value, 2) for value in position]


def _point(point: Point) -> Mapping[str, Any]:
    return {
        "study_id": point.study_id,
        "series_id": point.series_id,
        "instance_number": point.instance_number,
        "condition": str(point.condition),
        "level": str(point.level),
        "x": point.x,
        "y": point.y,
    }


def to_html(proposal: Proposal, sagittal: bytes | None, axial: Mapping[Level, bytes]) -> str:
    """Fill the page.

    Args:
        proposal: Of one study.
        sagittal: PNG of the discs; ``None`` where none was found.
        axial: PNG of both recesses, by level.
    """
    return render_page(
        "proposal.html",
        study_id=proposal.study_id,
        rows=level_rows(proposal),
        remarks=remarks(proposal),
        doubts=proposal.doubts,
        series=proposal.series,
        sagittal=data_uri("png", sagittal) if sagittal else "",
        axial=[(str(level), data_uri("png", picture)) for level, picture in axial.items()],
        models=proposal.models,
        unconfirmed=UNCONFIRMED,
        disclaimer=DISCLAIMER,
    )
