"""What the page is shown of a study: its axial and sagittal series, slice by slice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lss_cli.anatomy import Condition
from lss_cli.errors import StudyError, UsageError
from lss_cli.slices import Float32Array
from lss_cli.study.geometry import Plane
from lss_cli.study.selection import FAT_SUPPRESSED, NOT_ANATOMY, weighting
from lss_cli.study.series import Series
from lss_cli.study.slice import Slice
from lss_cli.study.study import Study
from lss_cli.text import printable

PIXEL_TYPES = ("uint16", "int16")


@dataclass(frozen=True, eq=False)
class SeriesView:
    """One series as it is scrolled through: stack after stack, axial ones from head to feet."""

    series: Series
    plane: Plane

    @cached_property
    def slices(self) -> tuple[tuple[int, Slice], ...]:
        """Every slice, with the number of its stack."""
        stacks = [
            stack for stack in self.series.stacks if stack.slices[0].geometry.plane is self.plane
        ]
        return tuple(
            (index, slice_) for index, stack in enumerate(stacks) for slice_ in stack.slices
        )

    def instance_number(self, index: int) -> int | None:
        """By which number a point may name this slice; ``None`` where it would be ambiguous."""
        number = self.slices[index][1].instance_number
        same = [slice_ for slice_ in self.series.slices if slice_.instance_number == number]
        return number if len(same) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """Its name, and where each slice lies in the patient, once oriented."""
        return {
            "id": printable(self.series.id),
            "label": printable(self.series.description, 40) or "no description",
            "weighting": weighting(self.series),
            "slices": [
                {"stack": stack, "number": self.instance_number(index)} | _placement(slice_)
                for index, (stack, slice_) in enumerate(self.slices)
            ],
        }


@dataclass(frozen=True, eq=False)
class StudyView:
    """The series that the page may show, the likeliest first. Nothing else is served.

    Attributes:
        axial: Those in which points are set; at least one.
        sagittal: Those in which levels are counted; those that lie apart from the axial ones are
            left out.
    """

    study: Study
    axial: tuple[SeriesView, ...]
    sagittal: tuple[SeriesView, ...]

    @classmethod
    def of(cls, study: Study) -> "StudyView":
        """Choose what to show of a study.

        Raises:
            StudyError: It has no axial series.
        """
        axial = _views(study, Plane.AXIAL)
        if not axial:
            raise StudyError(
                "the study has no axial series to set points in.", where=str(study.folder)
            )
        sagittal = [
            view
            for view in _views(study, Plane.SAGITTAL)
            if any(_overlap(view, other) for other in axial)
        ]
        return cls(study, tuple(axial), tuple(sagittal))

    @property
    def series(self) -> tuple[SeriesView, ...]:
        """All of them, by the number under which the page asks for their slices."""
        return self.axial + self.sagittal

    def to_json(self) -> dict[str, Any]:
        """What the page needs to know. No name, number or date of the patient is in it."""
        return {
            "study": printable(self.study.id),
            "series": [view.to_json() for view in self.series],
            "axial": list(range(len(self.axial))),
            "sagittal": list(range(len(self.axial), len(self.series))),
        }


def choose_clickable(conditions: Iterable[Condition]) -> list[Condition]:
    """Those whose points are set on axial slices.

    Raises:
        UsageError: None of them is.
    """
    clickable = [name for name in conditions if name.series_description.startswith("Axial")]
    if not clickable:
        raise UsageError(
            "points are set by click on axial slices, and nothing that is wanted is graded there.",
            todo="Give the points with --coords.",
        )
    return clickable


def encode_pixels(pixels: Float32Array) -> tuple[str, bytes]:
    """Little-endian bytes in the smallest type that holds every value exactly, and its name."""
    if np.array_equal(pixels, np.rint(pixels)):
        for kind in PIXEL_TYPES:
            limits = np.iinfo(kind)
            if limits.min <= pixels.min() and pixels.max() <= limits.max:
                return kind, pixels.astype(np.dtype(kind).newbyteorder("<")).tobytes()
    return "float32", pixels.astype("<f4").tobytes()


def _views(study: Study, plane: Plane) -> list[SeriesView]:
    views = [
        SeriesView(series, plane)
        for series in study.series
        if series.plane is plane and not NOT_ANATOMY.search(series.description)
    ]
    return sorted(views, key=lambda view: _rank(view.series))


def _rank(series: Series) -> tuple[int, bool]:
    likely = ("T2", "unknown", "other").index(weighting(series))
    return likely, bool(FAT_SUPPRESSED.search(series.description))


def _placement(slice_: Slice) -> dict[str, Any]:
    geometry = slice_.geometry.oriented
    return {
        "size": geometry.size,
        "spacing": geometry.spacing_mm,
        "position": geometry.position.tolist(),
        "right": geometry.row_cosine.tolist(),
        "down": geometry.column_cosine.tolist(),
    }


def _overlap(view: SeriesView, other: SeriesView) -> bool:
    """Whether the boxes around two series overlap.

    Frames of reference do not say it: real studies have one per series.
    """
    low, high = zip(_box(view), _box(other), strict=True)
    return bool((np.maximum(*low) <= np.minimum(*high)).all())


def _box(view: SeriesView) -> tuple[Any, Any]:
    corners = np.array([corner for _, slice_ in view.slices for corner in _corners(slice_)])
    return corners.min(axis=0), corners.max(axis=0)


def _corners(slice_: Slice) -> Iterator[Any]:
    geometry = slice_.geometry
    across = geometry.row_cosine * geometry.spacing_mm[0] * (geometry.size[0] - 1)
    along = geometry.column_cosine * geometry.spacing_mm[1] * (geometry.size[1] - 1)
    for x in (0, 1):
        for y in (0, 1):
            yield geometry.position + x * across + y * along
