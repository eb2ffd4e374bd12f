"""A study folder and the series in it."""

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np

from lss_cli.anatomy import Condition
from lss_cli.errors import SliceNotFoundError, StudyError
from lss_cli.files import own_name
from lss_cli.slices import Float32Array, Slices
from lss_cli.study.archive import SUFFIXES
from lss_cli.study.geometry import Plane, Vector
from lss_cli.study.headers import ImageFile, SkippedFile, scan_folder
from lss_cli.study.pixels import read_pixels
from lss_cli.study.selection import Choice, choose_axial_t2
from lss_cli.study.series import Series, SliceInStack
from lss_cli.study.slice import Slice
from lss_cli.text import encodable, join_words, printable

# Read at a time where files are compared.
BLOCK_BYTES = 2**20


class NamesPixel(Protocol):
    """What names a pixel of a slice, as a table of points does.

    An empty `series_id` means the study's one axial T2; 0, 0 is the centre of the first pixel.
    """

    @property
    def series_id(self) -> str: ...  # noqa: D102
    @property
    def instance_number(self) -> int: ...  # noqa: D102
    @property
    def x(self) -> float: ...  # noqa: D102
    @property
    def y(self) -> float: ...  # noqa: D102


PointT = TypeVar("PointT", bound=NamesPixel)


@dataclass(frozen=True, eq=False)
class Located(Generic[PointT]):
    """A point with the slices around it.

    Attributes:
        point: As it was given.
        slice_in_stack: Its slice in its series and stack.
        slices: The slice and its neighbours, decoded, in the one orientation.
        pixel: Column and row of the point in the oriented slice.
        position: Of the point in the patient, in mm.
    """

    point: PointT
    slice_in_stack: SliceInStack
    slices: Slices
    pixel: tuple[float, float]
    position: Vector


@dataclass(frozen=True, eq=False)
class Study:
    """The usable series of one study folder, and what was left out of it."""

    folder: Path
    uid: str
    series: tuple[Series, ...]
    skipped: tuple[SkippedFile, ...]

    @property
    def id(self) -> str:
        """The folder's name, by which coordinates and results know the study."""
        return own_name(self.folder)

    @cached_property
    def axial_t2(self) -> Choice:
        """The axial T2 series, and why it is that one.

        Raises:
            StudyError: There is none, or only a person can choose.
        """
        return choose_axial_t2(self.series)

    def find_series(self, series_id: str) -> Series:
        """Find the series that goes by this UID, last component of a UID, or folder name.

        Raises:
            SliceNotFoundError: There is none, or there are several.
        """
        matches = [series for series in self.series if series.matches(series_id)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            uids = join_words(printable(series.uid) for series in matches)
            raise SliceNotFoundError(
                f"{len(matches)} series go by {printable(series_id)!r}.",
                todo=f"Use the SeriesInstanceUID: {uids}.",
            )
        raise SliceNotFoundError(
            f"the study has no series {printable(series_id)!r}.",
            todo=f"It has {join_words(printable(series.id) for series in self.series)}.",
        )

    def locate(self, series_id: str | None, instance_number: int) -> SliceInStack:
        """Find the slice that a point names; without a series the study's one axial T2 is meant.

        Raises:
            SliceNotFoundError: The series or the slice is not there or not unique.
            StudyError: No series is named, and the study has no or several axial T2.
        """
        series = self.find_series(series_id) if series_id else self.axial_t2.series
        return series.find(instance_number)

    def around(
        self,
        point: PointT,
        neighbours: int,
        read: Callable[[Slice], Float32Array] = read_pixels,
        *,
        condition: Condition | None = None,
        kind: str = "",
    ) -> Located[PointT]:
        """Find and decode the slices around a point.

        Args:
            point: Names series, slice and pixel.
            neighbours: Slices on each side of the point's own.
            read: Decodes a slice, or remembers it.
            condition: What the point is for; its slice must lie in the plane that this is graded
                in.
            kind: Of series that this is graded in, if not RSNA's.

        Raises:
            SliceNotFoundError: The series or the slice is not there or not unique.
            PointOutsideError: The point lies outside the slice.
            StudyError: The slice lies in another plane, or is damaged; or no series is named, and
                the study has no or several axial T2.
        """
        located = self.locate(point.series_id, point.instance_number)
        if condition:
            _check_plane(located, condition, kind or condition.series_description)
        pixel = located.orient_point((point.x, point.y))
        return Located(
            point=point,
            slice_in_stack=located,
            slices=located.read_slices(neighbours, read),
            pixel=pixel,
            position=located.slice.geometry.to_patient((point.x, point.y)),
        )


def _check_plane(located: SliceInStack, condition: Condition, kind: str) -> None:
    wanted = Plane.AXIAL if kind.startswith("Axial") else Plane.SAGITTAL
    plane = located.slice.geometry.plane
    if plane is not wanted:
        raise StudyError(
            f"series {printable(located.series.id)} is {plane.value}; {condition} is graded on "
            f"{wanted.value} slices.",
            todo="Place the point in another series.",
        )


def read_study(folder: Path) -> Study:
    """Read the headers of a study folder: RSNA's or a hospital's, flat or nested, any file names.

    Raises:
        StudyError: There is no such folder, no DICOM image in it, or more than one study.
    """
    try:
        kind = "folder" if folder.is_dir() else "file" if folder.exists() else "nothing"
    except OSError as error:
        raise StudyError(f"it cannot be read ({error.strerror}).", where=str(folder)) from error
    if kind != "folder":
        what = "this is a file, a study folder is wanted." if kind == "file" else "no such folder."
        raise StudyError(what, where=str(folder))
    files: list[ImageFile] = []
    skipped: list[SkippedFile] = []
    for file in scan_folder(folder):
        if isinstance(file, ImageFile):
            files.append(file)
        else:
            skipped.append(file)
    if not files:
        inside = [Path(name) for _, _, names in os.walk(folder) for name in names]
        if not inside and not skipped:
            raise StudyError("the folder is empty.", where=str(folder))
        raise StudyError(
            "no DICOM image with a position in the patient was found."
            + (
                f" {len(skipped)} files were left out: {skipped[0].name}, "
                f"{printable(skipped[0].reason, 120)}."
                if skipped
                else " The folder holds an archive."
                if any(name.name.lower().endswith(SUFFIXES) for name in inside)
                else ""
            ),
            where=str(folder),
            todo="Name the folder of one study, with its DICOM files in it or below it.",
        )
    uids = sorted({file.study_uid for file in files})
    if len(uids) > 1:
        raise StudyError(
            f"the folder holds {len(uids)} studies.",
            where=str(folder),
            todo="Name the folder of one of them.",
        )
    return Study(folder, uids[0], tuple(_group_into_series(files)), tuple(skipped))


def _group_into_series(files: Sequence[ImageFile]) -> list[Series]:
    groups: dict[str, list[ImageFile]] = defaultdict(list)
    for file in files:
        groups[file.series_uid or str(file.path.parent)].append(file)
    return [
        Series(
            uid=group[0].series_uid,
            folders=tuple(sorted({encodable(file.path.parent.name) for file in group})),
            description=group[0].description,
            echo_time=group[0].echo_time,
            repetition_time=group[0].repetition_time,
            slices=_drop_copies(group),
        )
        for group in groups.values()
    ]


def _drop_copies(files: Sequence[ImageFile]) -> tuple[Slice, ...]:
    """A file that was exported twice under two names counts once.

    What has one identity and other pixels stays, as two slices of one number.
    """
    seen: dict[tuple[object, ...], list[Slice]] = defaultdict(list)
    same_bytes = cache(_have_same_pixel_bytes)
    kept = []
    for file in files:
        for slice_ in file.slices:
            same = seen[slice_.identity] if slice_.identity else []
            if any(
                same_bytes(_pixel_bytes(slice_), _pixel_bytes(other)) or _look_alike(slice_, other)
                for other in same
            ):
                continue
            same.append(slice_)
            kept.append(slice_)
    return tuple(kept)


def _pixel_bytes(slice_: Slice) -> tuple[Path, int]:
    """In which file the pixels are, and where they begin."""
    return slice_.path, slice_.pixel_data_offset


def _have_same_pixel_bytes(one: tuple[Path, int], other: tuple[Path, int]) -> bool:
    with suppress(OSError), one[0].open("rb") as first, other[0].open("rb") as second:
        first.seek(one[1])
        second.seek(other[1])
        while (block := first.read(BLOCK_BYTES)) == second.read(BLOCK_BYTES):
            if not block:
                return True
    return False


def _look_alike(one: Slice, other: Slice) -> bool:
    """Whether two slices show the same, however it is stored."""
    try:
        return np.array_equal(read_pixels(one), read_pixels(other))
    except StudyError:
        return False
