"""Annotations: from the page's JSON to points in the files' own pixels."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.view import StudyView
from lss_cli.errors import StudyError
from lss_cli.locate.proposal import ProposedPoint
from lss_cli.points.point import NOT_VISIBLE, BadPoint, Point, PointSource, join_remarks
from lss_cli.text import encodable, printable

LONGEST_REMARK = 400
PLACE, ABSENT = ("series", "slice", "x", "y"), ("not_visible",)


@dataclass(frozen=True)
class Annotations:
    """What was set on the page.

    Attributes:
        points: In pixels of the files, as `coords.csv` has them.
        not_visible: What the person could not find in the study.
        remark: On the numbering of the levels, or whatever else a reader should know.
        document: The same as the page says it, for when it is loaded again.
        bad: Rows of a table that name no point which could be shown.
    """

    points: tuple[Point, ...] = ()
    not_visible: tuple[tuple[Condition, Level], ...] = ()
    remark: str = ""
    document: Mapping[str, Any] = field(default_factory=lambda: {"marks": [], "remark": ""})
    bad: tuple[BadPoint, ...] = ()

    @classmethod
    def of_table(cls, points: Sequence[Point], bad_points: Sequence[BadPoint]) -> "Annotations":
        """What a table says: its points, what is not visible, its remark and its bad rows."""
        return cls(
            tuple(points),
            tuple(
                (bad.condition, bad.level)
                for bad in bad_points
                if bad.not_visible and bad.condition and isinstance(bad.level, Level)
            ),
            remark=join_remarks((*points, *bad_points)),
            bad=tuple(bad for bad in bad_points if not bad.not_visible),
        )

    def bad_points(self, study_id: str) -> list[BadPoint]:
        """As a result lists them: what is not visible, and bad rows whose level is not set."""
        absent = [
            BadPoint(study_id, condition, level, NOT_VISIBLE)
            for condition, level in self.not_visible
        ]
        settled = {*self.not_visible, *((point.condition, point.level) for point in self.points)}
        return absent + [bad for bad in self.bad if (bad.condition, bad.level) not in settled]

    def __bool__(self) -> bool:
        """Whether a person has set or confirmed anything."""
        return bool(
            self.not_visible
            or any(point.source is not PointSource.PROPOSED for point in self.points)
        )


def parse_annotations(
    document: Any, view: StudyView, conditions: Sequence[Condition]
) -> Annotations:
    """Read what the page says is set.

    Args:
        document: ``{"marks": [{condition, level, series, slice, x, y} or {condition, level,
            not_visible}], "remark": text}``; x and y in the oriented slice. A point has a
            ``source`` unless it was clicked.
        view: What the page was shown.
        conditions: Those that may be set.

    Raises:
        ValueError: The document is not of this form, or names something that was not shown.
    """
    if not isinstance(document, dict) or not isinstance(document.get("marks"), list):
        raise ValueError("a list of marks is wanted.")
    remark = document.get("remark", "")
    if not isinstance(remark, str) or len(remark) > LONGEST_REMARK:
        raise ValueError(f"the remark is no text of up to {LONGEST_REMARK} characters.")
    annotations: dict[tuple[Condition, Level], Mapping[str, Any]] = {}
    for annotation in document["marks"]:
        key = _key(annotation, conditions)
        if key in annotations:
            raise ValueError(f"{key[0]} {key[1]} is set twice.")
        annotations[key] = annotation
    # In whatever order they were clicked, they are kept side by side and head to feet.
    every = [key for key in product(conditions, Level) if key in annotations]
    absent = [key for key in every if annotations[key].get("not_visible") is True]
    return Annotations(
        tuple(_point(annotations[key], key, view) for key in every if key not in absent),
        tuple(absent),
        remark=printable(" ".join(remark.split()), LONGEST_REMARK),
        # Nothing but what was looked at: it is sent to the next page.
        document={
            "marks": [
                {"condition": key[0], "level": key[1]}
                | {name: mark[name] for name in (ABSENT if key in absent else PLACE)}
                | ({} if key in absent else _to_source(_source(mark)))
                for key, mark in annotations.items()
            ],
            "remark": encodable(remark),
        },
    )


def add_proposals(annotations: Annotations, proposed: Iterable[ProposedPoint]) -> Annotations:
    """Proposed points for the levels of which nothing is known yet."""
    known = {(point.condition, point.level) for point in annotations.points}
    known |= set(annotations.not_visible)
    more = (
        replace(item.point, source=PointSource.PROPOSED)
        for item in proposed
        if (item.point.condition, item.point.level) not in known
    )
    return replace(annotations, points=(*annotations.points, *more))


def to_hints(
    proposed: Iterable[ProposedPoint], view: StudyView, conditions: Sequence[Condition]
) -> list[dict[str, Any]]:
    """What the page says of proposed points, by condition and place.

    Args:
        proposed: In pixels of the files; those that cannot be shown are left out.
        view: What the page is shown.
        conditions: Those that may be set.
    """
    hints = []
    for item in proposed:
        if item.point.condition in conditions:
            with suppress(StudyError, ValueError):
                hints.append(
                    _mark(item.point, view)
                    | {
                        "confidence": round(item.confidence, 3),
                        "sure": item.sure,
                        "doubts": [printable(doubt, 300) for doubt in item.doubts],
                    }
                )
    return hints


def to_document(
    annotations: Annotations, view: StudyView, conditions: Sequence[Condition]
) -> tuple[dict[str, Any], list[BadPoint]]:
    """What the page would say of points that it did not set: those of a table or of a draft.

    Args:
        annotations: In pixels of the files.
        view: What the page is shown.
        conditions: Those that may be set; others are passed over.

    Returns:
        The document, and the points that cannot be shown.
    """
    marks: list[dict[str, Any]] = []
    bad = []
    for point in annotations.points:
        if point.condition in conditions:
            try:
                marks.append(_mark(point, view))
            except (StudyError, ValueError) as error:
                reason = printable(error, 300)
                bad.append(BadPoint(point.study_id, point.condition, point.level, reason))
    marks += [
        {"condition": condition, "level": level, "not_visible": True}
        for condition, level in annotations.not_visible
        if condition in conditions
    ]
    return {"marks": marks, "remark": encodable(annotations.remark)}, bad


def _mark(point: Point, view: StudyView) -> dict[str, Any]:
    located = view.study.locate(point.series_id, point.instance_number)
    for number, series in enumerate(view.axial):
        for index, (_, slice_) in enumerate(series.slices):
            if slice_ is located.slice:
                x, y = located.orient_point((point.x, point.y))
                place = {"series": number, "slice": index, "x": x, "y": y}
                source = _to_source(point.source)
                return {"condition": point.condition, "level": point.level} | place | source
    raise ValueError("its slice is none of the axial ones that the page shows.")


def _source(annotation: Mapping[str, Any]) -> PointSource:
    text = annotation.get("source", PointSource.CLICKED)
    if text not in list(PointSource):
        raise ValueError("its source is none of a point.")
    return PointSource(text)


def _to_source(source: PointSource) -> dict[str, str]:
    return {} if source is PointSource.CLICKED else {"source": source.value}


def _key(annotation: Any, conditions: Sequence[Condition]) -> tuple[Condition, Level]:
    if not isinstance(annotation, dict):
        raise ValueError("a mark is no object.")
    condition = Condition.parse(str(annotation.get("condition")))
    if condition not in conditions:
        raise ValueError(f"{condition} is not asked for.")
    return condition, Level.parse(str(annotation.get("level")))


def _point(annotation: Mapping[str, Any], key: tuple[Condition, Level], view: StudyView) -> Point:
    series = view.axial[_index(annotation, "series", len(view.axial))]
    index = _index(annotation, "slice", len(series.slices))
    instance_number = series.instance_number(index)
    if instance_number is None:
        raise ValueError("this slice has no number of its own, so a point cannot name it.")
    geometry = series.slices[index][1].geometry
    width, height = geometry.orientation.orient_pair(geometry.size)
    x, y = _within(annotation, "x", width), _within(annotation, "y", height)
    x, y = geometry.orientation.restore_point((x, y), geometry.size)
    # A hundredth of a pixel is finer than any click, and the same in coords.csv.
    x, y = round(x, 2), round(y, 2)
    source = _source(annotation)
    return Point(view.study.id, series.series.id, instance_number, *key, x, y, source=source)


def _index(annotation: Mapping[str, Any], name: str, count: int) -> int:
    value = annotation.get(name)
    if type(value) is not int or not 0 <= value < count:
        raise ValueError(f"{name} is no number from 0 to {count - 1}.")
    return value


def _within(annotation: Mapping[str, Any], name: str, size: int) -> float:
    value = annotation.get(name)
    # Also not a number, which is neither less nor more than anything.
    if not isinstance(value, int | float) or not -0.5 <= value <= size - 0.5:
        raise ValueError(f"{name} lies outside the slice.")
    return float(value)
