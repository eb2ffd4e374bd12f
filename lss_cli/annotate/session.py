"""An annotation session: what the page and the waiting command share."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.annotate.annotations import LONGEST_REMARK, Annotations, parse_annotations
from lss_cli.annotate.view import StudyView
from lss_cli.errors import LssError
from lss_cli.grading.result import LevelGrade, StudyGrade

# A page that is loaded again leaves and comes back within this time, even through a tunnel.
RETURN_S = 3.0

GradeAnnotations = Callable[[Annotations], StudyGrade]
DrawEvidence = Callable[[LevelGrade], bytes]


class AnnotationSession:
    """Holds what was set so far, and ends when the person is done.

    The page reports every change, so that nothing is lost when it is loaded again or closed.

    Args:
        view: What the page shows.
        conditions: What may be set.
        grade: Grades what is set.
        draw_evidence: Draws what stands behind the grade of one level; offered after grading.
        return_s: Seconds within which a page that left may come back.
    """

    def __init__(
        self,
        view: StudyView,
        conditions: Sequence[Condition],
        grade: GradeAnnotations,
        draw_evidence: DrawEvidence | None = None,
        return_s: float = RETURN_S,
    ) -> None:
        self.view = view
        self.conditions = tuple(conditions)
        self.annotations = Annotations()
        self.ended = threading.Event()
        self.fault: Exception | None = None
        self._document: Any = {"marks": [], "remark": ""}
        self._grade, self._draw_evidence = grade, draw_evidence
        self._return_s = return_s
        self._graded: dict[str, LevelGrade] = {}
        self._lock = threading.Lock()
        self._pages = 0
        self._leaving: threading.Timer | None = None

    def open_page(self) -> dict[str, Any]:
        """A page has been loaded: tell it all it needs, and its number."""
        with self._lock:
            self._pages += 1
            self._stay()
            return self.view.to_json() | {
                "page": self._pages,
                "conditions": [
                    {
                        "id": condition,
                        "label": condition.side.title() if condition.side else "Canal",
                    }
                    for condition in self.conditions
                ],
                "levels": list(Level),
                "severities": list(Severity),
                "evidence": self._draw_evidence is not None,
                "longest_remark": LONGEST_REMARK,
                "set": self._document,
            }

    def annotate(self, document: Any) -> None:
        """Keep what the page says is set.

        Raises:
            ValueError: It cannot be understood; what was set before is kept.
        """
        annotations = parse_annotations(document, self.view, self.conditions)
        with self._lock:
            self.annotations, self._document = annotations, document

    def grade(self) -> dict[str, Any]:
        """Grade what is set.

        Raises:
            LssError: It cannot be graded; the page shows why.
        """
        with self._keep_fault():
            result = self._grade(self.annotations)
        self._graded = {
            f"{level.condition}/{level.level}": level
            for level in result.levels
            if level.probabilities
        }
        return {"levels": [_row(level) for level in result.levels], "notes": result.notes}

    def evidence(self, condition: str, level: str) -> bytes | None:
        """A PNG of what stands behind the last grade of a level; ``None`` if there is none.

        Raises:
            LssError: It cannot be drawn; the page shows why.
        """
        graded = self._graded.get(f"{condition}/{level}")
        if graded is None or self._draw_evidence is None:
            return None
        with self._keep_fault():
            return self._draw_evidence(graded)

    def finish(self) -> None:
        """The person is done."""
        self.ended.set()

    def close_page(self, page: int) -> None:
        """A page was closed: end, unless it was an older one or comes back soon."""
        with self._lock:
            if page == self._pages:
                self._stay()
                self._leaving = threading.Timer(self._return_s, self.ended.set)
                self._leaving.daemon = True
                self._leaving.start()

    @contextmanager
    def _keep_fault(self) -> Iterator[None]:
        """A fault of ours ends the session: it is reported where the command waits."""
        try:
            yield
        except LssError:
            raise
        except Exception as error:
            self.fault = error
            self.ended.set()
            raise LssError("a fault in lss; the terminal says more.") from error

    def _stay(self) -> None:
        if self._leaving:
            self._leaving.cancel()


def _row(level: LevelGrade) -> dict[str, Any]:
    return {
        "condition": level.condition,
        "level": level.level,
        "probabilities": level.probabilities,
        "grade": level.grade,
        "uncertain": level.shown if level.uncertain else "",
        "reason": level.reason,
        "warnings": level.warnings,
    }
