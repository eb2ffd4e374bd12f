"""The table of all points that were set in a review."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lss_cli.files import write_text
from lss_cli.points.point import PointSource
from lss_cli.points.table import points_to_csv
from lss_cli.review.record import ReviewEntry


class CoordsFile:
    """A coords.csv that is written anew at each change.

    Args:
        path: The file.
        entries: What was set before; without any there is no file yet.

    Raises:
        OutputError: It cannot be written.
    """

    def __init__(self, path: Path, entries: Iterable[ReviewEntry]) -> None:
        self._path = path
        # The rows of each study: of thousands, only those of one change at a time.
        self._rows = {entry.study_id: _to_rows(entry) for entry in entries}
        if self._rows:
            self._write()

    def put(self, entry: ReviewEntry) -> None:
        """Take over what is set in a study.

        Raises:
            OutputError: It cannot be written.
        """
        self._rows[entry.study_id] = _to_rows(entry)
        self._write()

    def _write(self) -> None:
        head = points_to_csv((), every_column=True)
        write_text(self._path, head + "".join(self._rows.values()))


def _to_rows(entry: ReviewEntry) -> str:
    points = []
    for point in entry.points:
        # Of a study that is not confirmed, nothing may pass for a person's word.
        source = point.source if entry.confirmed else PointSource.PROPOSED
        points.append(replace(point, study_id=entry.study_id, remark=entry.remark, source=source))
    absent = [
        replace(bad, remark=entry.remark) for bad in entry.annotations.bad_points(entry.study_id)
    ]
    return points_to_csv(points, absent, None, every_column=True).partition("\n")[2]
