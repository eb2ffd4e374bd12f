"""A study's result as one self-contained page, for the screen and for A4."""

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from lss_cli import __version__
from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.output.document import DISCLAIMER
from lss_cli.output.picture import png

Pictures = Mapping[tuple[Condition, Level], Image.Image]


def to_html(result: StudyGrade, pictures: Pictures) -> str:
    """Fill the page.

    Args:
        result: Of one study.
        pictures: The evidence, by condition and level, of those that have any.
    """
    conditions = dict.fromkeys(one.condition for one in result.levels)
    return render(
        "study.html",
        study_id=result.study_id,
        remark=result.remark,
        notes=result.notes,
        conditions=[
            {
                "name": condition.rsna_name if condition else "Unreadable rows",
                "levels": [
                    _level(one, pictures) for one in result.levels if one.condition is condition
                ],
            }
            for condition in conditions
        ],
        model={
            "name": result.model.name,
            "hash": result.model.sha256[:12],
            "trained_on": result.model.trained_on,
            "licence": result.model.licence,
        },
    )


def render(template: str, **values: Any) -> str:
    """Fill one of our pages. Every value is escaped, since names in files are not to be trusted."""
    pages = Environment(
        loader=PackageLoader("lss_cli.output"), autoescape=True, undefined=StrictUndefined
    )
    return pages.get_template(template).render(
        **values,
        grades=[str(one) for one in Severity],
        disclaimer=DISCLAIMER,
        program=f"lss {__version__}",
    )


def _level(one: LevelGrade, pictures: Pictures) -> Mapping[str, Any]:
    point = one.point
    picture = (
        pictures.get((one.condition, one.level))
        if one.condition and isinstance(one.level, Level)
        else None
    )
    return {
        "name": str(one.level),
        "series": one.series_id,
        "slice": point.instance_number if point else "–",
        "point": f"{point.x:.0f}, {point.y:.0f}" if point else "–",
        "grade": one.shown,
        "reason": one.reason,
        "warnings": one.warnings,
        "bars": [
            {
                "name": str(severity),
                "percent": f"{100 * value:.1f}",
                "text": f"{value:.1%}",
                "likely": severity is one.grade,
            }
            for severity, value in zip(Severity, one.probabilities or (), strict=False)
        ],
        "picture": base64.b64encode(png(picture)).decode() if picture else "",
    }
