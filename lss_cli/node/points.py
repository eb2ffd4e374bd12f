"""At which points a study is graded: a table's, which may grow while the node runs, or proposed."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from lss_cli.batch.job import NO_POINT, GradingJob
from lss_cli.batch.plan import plan_jobs
from lss_cli.errors import LssError, ModelError, PointsError
from lss_cli.grading.derived import with_derived
from lss_cli.locate.locate import CONDITIONS
from lss_cli.locate.metadata import Kind
from lss_cli.model.find import find_locator
from lss_cli.model.models import Models
from lss_cli.points.point import BadPoint, Point
from lss_cli.points.table import read_points
from lss_cli.text import join_words

TO_BE_SET = "points to be set."


class PointTables:
    """The tables named by ``--coords``, read again when they change.

    Args:
        paths: CSV or JSON files, whose rows all name their study. None may be missing.
        locators: Folder of the networks that propose points and count discs.
        say: Hears that a table cannot be used any more; the rows read before stay in use.

    Raises:
        PointsError: A table cannot be used.
    """

    def __init__(self, paths: Sequence[Path], locators: Path, say: Callable[[str], None]) -> None:
        self._paths = paths
        self._locators = _find_locators(locators, say)
        self._say = say
        self._points: list[Point] = []
        self._bad_points: list[BadPoint] = []
        self._rows: dict[str, list[Point | BadPoint]] = {}
        # At the first look, what was said while no node ran is new.
        self._seen: list[tuple[int, int]] | None = None
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

    def job_of(self, uid: str, folder: Path, models: Models) -> GradingJob:
        """What is to be graded in a study, and at which points.

        Those of a table count, by the StudyInstanceUID as in `lss report`; a study that none knows
        gets the locator's proposals.

        Args:
            uid: StudyInstanceUID.
            folder: Of its files, named by it.
            models: What grades; those conditions are wanted of which there is a point, or can be.
        """
        conditions = models.conditions
        (job,) = plan_jobs([folder], self._points, self._bad_points, conditions)
        rows: list[Point | BadPoint] = [*job.points, *job.bad_points]
        named = {row.condition for row in rows if row.condition} or set(CONDITIONS.values())
        wanted = with_derived(named, models)
        return replace(
            job,
            study_id=uid,
            conditions=tuple(condition for condition in conditions if condition in wanted),
            no_point=NO_POINT if rows else TO_BE_SET,
            locators=self._locators,
            propose=not rows and bool(self._locators),
        )

    def digest_of(self, uid: str) -> str:
        """What tells apart what the tables say of a study; empty where they say nothing."""
        names = {uid, uid.rpartition(".")[2]}
        rows = sorted(repr(row) for name in names for row in self._rows.get(name, ()))
        return hashlib.sha256("\n".join(rows).encode()).hexdigest() if rows else ""

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
        by_study: dict[str, list[Point | BadPoint]] = defaultdict(list)
        for row in rows:
            by_study[row.study_id].append(row)
        self._points, self._bad_points, self._rows = points, bad_points, by_study


def _find_locators(folder: Path, say: Callable[[str], None]) -> str:
    """The folder, or nothing where it has no networks that propose points."""
    try:
        for kind in get_args(Kind):
            find_locator(kind, folder)
    except ModelError:
        say("Nothing here proposes points: studies wait until a table has theirs.")
        return ""
    return str(folder.absolute())
