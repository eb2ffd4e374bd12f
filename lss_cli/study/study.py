"""A study folder and the series in it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from lss_cli.errors import StudyError
from lss_cli.study.headers import ImageFile, SkippedFile, scan_folder
from lss_cli.study.selection import Choice, choose_axial_t2
from lss_cli.study.series import Series, SliceInStack
from lss_cli.study.slice import Slice
from lss_cli.text import encodable, join_words, printable


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
        return encodable(self.folder.resolve().name)

    @cached_property
    def axial_t2(self) -> Choice:
        """The axial T2 series, and why it is that one.

        Raises:
            StudyError: There is none, or only a person can choose.
        """
        return choose_axial_t2(self.series)

    def find_group_into_series(self, series_id: str) -> Series:
        """Find the series that goes by this UID, last component of a UID, or folder name.

        Raises:
            StudyError: There is none, or there are several.
        """
        matches = [series for series in self.series if series.matches(series_id)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            uids = join_words(printable(series.uid) for series in matches)
            raise StudyError(
                f"{len(matches)} series go by {printable(series_id)!r}.",
                todo=f"Use the SeriesInstanceUID: {uids}.",
            )
        raise StudyError(
            f"the study has no series {printable(series_id)!r}.",
            todo=f"It has {join_words(printable(series.id) for series in self.series)}.",
        )

    def locate(self, series_id: str | None, instance_number: int) -> SliceInStack:
        """Find the slice that a point names; without a series the study's one axial T2 is meant.

        Raises:
            StudyError: The series or the slice is not there or not unique.
        """
        series = self.find_group_into_series(series_id) if series_id else self.axial_t2.series
        return series.find(instance_number)


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
        raise StudyError(
            "no DICOM image with a position in the patient was found."
            + (
                f" {len(skipped)} files were left out: {skipped[0].path.name}, "
                f"{printable(skipped[0].reason, 120)}."
                if skipped
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

    The UID alone does not tell: some anonymised exports have one for all slices.
    """
    seen: set[tuple[object, ...]] = set()
    kept = []
    for file in files:
        for slice_ in file.slices:
            position = tuple(np.round(slice_.geometry.position, 3).tolist())
            key = (slice_.sop_instance_uid, slice_.frame, slice_.instance_number, position)
            if slice_.sop_instance_uid and key in seen:
                continue
            seen.add(key)
            kept.append(slice_)
    return tuple(kept)
