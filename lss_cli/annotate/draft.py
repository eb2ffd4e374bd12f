"""A draft: what was set on the page so far, kept on this computer until there is a result."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.annotations import LONGEST_REMARK, Annotations
from lss_cli.errors import OutputError
from lss_cli.files import make_folder, write_text
from lss_cli.points.point import Point, PointSource
from lss_cli.study.study import Study
from lss_cli.text import printable

# Of five levels and two sides it has 2 kB.
LARGEST_DRAFT = 256 * 1024


class Draft:
    """Keeps the newest annotations in a file that only its owner can read.

    Args:
        path: The file; ``None`` where there is no place for it, and it is kept in memory alone.

    Attributes:
        latest: What was kept last by this command.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.latest = Annotations()

    @classmethod
    def of(cls, study: Study, conditions: Sequence[Condition], state: Path | None) -> "Draft":
        """The draft of a study, whose name tells nothing of it.

        Args:
            study: Known by its StudyInstanceUID, so that a moved folder finds its draft; without
                one by the folder.
            conditions: What is set; the draft of one side is not that of both.
            state: The folder of all drafts.
        """
        name = "\n".join((study.uid or str(study.folder.resolve()), *conditions))
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return cls(state / "clicks" / f"{digest}.json" if state else None)

    def read(self) -> Annotations:
        """What an earlier command kept; nothing where there is no file, or it cannot be read."""
        try:
            if self.path is None or self.path.stat().st_size > LARGEST_DRAFT:
                return Annotations()
            return _parse(json.loads(self.path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return Annotations()

    @property
    def when(self) -> str:
        """When it was kept; empty where there is none."""
        try:
            seconds = self.path.stat().st_mtime if self.path else None
        except OSError:
            return ""
        return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}" if seconds else ""

    def keep(self, annotations: Annotations) -> None:
        """Keep what is set now, whole, in place of what was kept before.

        Raises:
            OutputError: The file cannot be written; `latest` has it all the same.
        """
        self.latest = annotations
        if self.path is None:
            return
        if not annotations and not annotations.remark:
            self.remove()
            return
        make_folder(self.path.parent)
        try:
            self.path.parent.chmod(0o700)
            self.path.touch(0o600)
        except OSError as error:
            raise OutputError(
                f"what is clicked cannot be kept ({error.strerror}).", where=str(self.path)
            ) from error
        write_text(self.path, json.dumps(_to_document(annotations)))

    def remove(self) -> None:
        """There is a result, or nothing is set any more."""
        try:
            if self.path:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"it cannot be removed ({error.strerror}).", where=str(self.path)
            ) from error


def _to_document(annotations: Annotations) -> dict[str, Any]:
    return {
        "points": [asdict(point) for point in annotations.points],
        "not_visible": [list(pair) for pair in annotations.not_visible],
        "remark": annotations.remark,
    }


def _parse(document: Any) -> Annotations:
    points = [
        Point(
            study_id=str(row["study_id"]),
            series_id=str(row["series_id"]),
            instance_number=int(row["instance_number"]),
            condition=Condition(row["condition"]),
            level=Level(row["level"]),
            x=float(row["x"]),
            y=float(row["y"]),
            source=PointSource(row.get("source", PointSource.CLICKED)),
        )
        for row in document["points"]
    ]
    absent = [(Condition(condition), Level(level)) for condition, level in document["not_visible"]]
    remark = printable(str(document["remark"]), LONGEST_REMARK)
    return Annotations(tuple(points), tuple(absent), remark)
