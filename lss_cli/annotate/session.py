"""One visit to the page: what the page and the waiting command share."""

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

Grade = Callable[[Annotations], StudyGrade]
Evidence = Callable[[LevelGrade], bytes]


class AnnotationSession:
    """Holds what was set so far, and ends when the person is done.

    The page reports every change, so that nothing is lost when it is loaded again or closed.
    """

    def __init__(
        self,
        view: StudyView,
        conditions: Sequence[Condition],
        grade: Grade,
        evidence: Evidence | None = None,
        return_s: float = RETURN_S,
    ) -> None:
        self.view = view
        self.conditions = tuple(conditions)
        self.clicked = Annotations()
        self.ended = threading.Event()
        self.fault: Exception | None = None
        self._document: Any = {"marks": [], "remark": ""}
        self._grade, self._evidence = grade, evidence
        self._return_s = return_s
        self._graded: dict[str, LevelGrade] = {}
        self._lock = threading.Lock()
        self._pages = 0
        self._leaving: threading.Timer | None = None

    def opened(self) -> dict[str, Any]:
        """A page has been loaded: tell it all it needs, and its number."""
        with self._lock:
            self._pages += 1
            self._stay()
            return self.view.to_json() | {
                "page": self._pages,
                "conditions": [
                    {"id": one, "label": one.side.title() if one.side else "Canal"}
                    for one in self.conditions
                ],
                "levels": list(Level),
                "severities": list(Severity),
                "evidence": self._evidence is not None,
                "longest_remark": LONGEST_REMARK,
                "set": self._document,
            }

    def mark(self, document: Any) -> None:
        """Keep what the page says is set.

        Raises:
            ValueError: It cannot be understood; what was set before is kept.
        """
        clicked = parse_annotations(document, self.view, self.conditions)
        with self._lock:
            self.clicked, self._document = clicked, document

    def graded(self) -> dict[str, Any]:
        """Grade what is set.

        Raises:
            LssError: It cannot be graded; the page shows why.
        """
        with self._faults():
            result = self._grade(self.clicked)
        self._graded = {
            f"{one.condition}/{one.level}": one for one in result.levels if one.probabilities
        }
        return {"levels": [_row(one) for one in result.levels], "notes": result.notes}

    def evidence(self, condition: str, level: str) -> bytes | None:
        """A PNG of what stands behind the last grade of a level; ``None`` if there is none.

        Raises:
            LssError: It cannot be drawn; the page shows why.
        """
        found = self._graded.get(f"{condition}/{level}")
        if found is None or self._evidence is None:
            return None
        with self._faults():
            return self._evidence(found)

    def finish(self) -> None:
        """The person is done."""
        self.ended.set()

    def left(self, page: int) -> None:
        """A page was closed: end, unless it was an older one or comes back soon."""
        with self._lock:
            if page == self._pages:
                self._stay()
                self._leaving = threading.Timer(self._return_s, self.ended.set)
                self._leaving.daemon = True
                self._leaving.start()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """A fault of ours ends the visit: where the command waits is the place that reports it."""
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


def _row(one: LevelGrade) -> dict[str, Any]:
    return {
        "condition": one.condition,
        "level": one.level,
        "probabilities": one.probabilities,
        "grade": one.grade,
        "uncertain": one.shown if one.uncertain else "",
        "reason": one.reason,
        "warnings": one.warnings,
    }
