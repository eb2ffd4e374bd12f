"""The points of a study, as far as a table has them; the table may grow while the node runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lss_cli.anatomy import Condition
from lss_cli.batch.job import GradingJob
from lss_cli.batch.plan import plan_jobs
from lss_cli.errors import LssError, PointsError
from lss_cli.points.point import BadPoint, Point
from lss_cli.points.table import read_points
from lss_cli.text import join_words

TO_BE_SET = "points to be set."


class PointTables:
    """The tables named by ``--coords``, read again when they change.

    Args:
        paths: CSV or JSON files, whose rows all name their study. None may be missing.
        say: Hears that a table cannot be used any more; the rows read before stay in use.

    Raises:
        PointsError: A table cannot be used.
    """

    def __init__(self, paths: Sequence[Path], say: Callable[[str], None]) -> None:
        self._paths = paths
        self._say = say
        self._points: list[Point] = []
        self._bad_points: list[BadPoint] = []
        self._rows: list[Point | BadPoint] = []
        self._seen = self._marks()
        self._read()

    def refresh(self) -> bool:
        """Read what has changed; whether anything was."""
        marks = self._marks()
        if marks == self._seen:
            return False
        self._seen = marks
        try:
            self._read()
        except LssError as error:
            self._say(f"The points stay as they were: {error}")
            return False
        return True

    def job_of(self, uid: str, folder: Path, conditions: Sequence[Condition]) -> GradingJob:
        """What is to be graded in a study; known by its StudyInstanceUID, as in `lss report`.

        Args:
            uid: StudyInstanceUID.
            folder: Of its files, named by it.
            conditions: That the model may grade; those are wanted of which there is a point.
        """
        (job,) = plan_jobs([folder], self._points, self._bad_points, conditions)
        rows: list[Point | BadPoint] = [*job.points, *job.bad_points]
        named = {row.condition for row in rows}
        wanted = [condition for condition in conditions if condition in named]
        return replace(
            job, study_id=uid, conditions=tuple(wanted or conditions), no_point=TO_BE_SET
        )

    def knows(self, uid: str) -> bool:
        """Whether there is a row of this study."""
        names = {uid, uid.rpartition(".")[2]}
        return any(point.study_id in names for point in self._rows)

    def _marks(self) -> list[tuple[int, int]]:
        """What changes when a file does."""
        marks = []
        for path in self._paths:
            try:
                status = path.stat()
                marks.append((status.st_mtime_ns, status.st_size))
            except OSError:
                marks.append((0, 0))
        return marks

    def _read(self) -> None:
        points, bad_points = read_points(self._paths) if self._paths else ([], [])
        rows: list[Point | BadPoint] = [*points, *bad_points]
        if not all(row.study_id for row in rows):
            raise PointsError(
                "a row does not say of which study it is.",
                where=join_words(path.name for path in self._paths),
                todo="Fill the column study_id, with the StudyInstanceUID.",
            )
        self._points, self._bad_points, self._rows = points, bad_points, rows
