"""An annotation session: what the page and the waiting command share."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lss_cli.anatomy import Condition, Level, Severity
from lss_cli.annotate.annotations import (
    LONGEST_REMARK,
    Annotations,
    parse_annotations,
    to_document,
    to_hints,
)
from lss_cli.annotate.draft import Draft
from lss_cli.annotate.faults import find_faults
from lss_cli.annotate.pages import RETURN_S, OpenPages
from lss_cli.annotate.view import StudyView
from lss_cli.errors import LssError, OutdatedPageError, OutputError
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.proposal import ProposedPoint
from lss_cli.study.pixels import remember_pixels
from lss_cli.text import printable

GradeAnnotations = Callable[[Annotations], StudyGrade]
DrawEvidence = Callable[[LevelGrade], bytes]
RenderResult = Callable[[StudyGrade], str]


class AnnotationSession:
    """Holds what was set so far, and ends when the person is done.

    The page reports every change, so that nothing is lost when it is loaded again or closed. Of
    several pages each says which version of the annotations it shows; one that shows an older one
    has to be loaded again before it can change, grade or finish anything.

    Args:
        view: What the page shows.
        conditions: What may be set.
        grade: Grades what is set.
        draw_evidence: Draws what stands behind the grade of one level; offered after grading.
        return_s: Seconds within which a page that left may come back.
        draft: Where every change is kept at once; what an earlier command kept is offered.
        given: Points to begin with, in pixels of the files.
        proposed: What is said of points in `given` that a person is to confirm.
        note: What is said when the page opens, such as why nothing is proposed.
        render: Makes the page of the result, which stands alone; shown in the end.
        landmarks: What points are held against, where that is known.
        queued: Whether the page is one of a queue of studies.

    Attributes:
        offer: What an earlier command kept, with its date; ``None`` where there is nothing.
        unkept: Why what was set last is in memory alone; empty where it is kept.
    """

    def __init__(
        self,
        view: StudyView,
        conditions: Sequence[Condition],
        grade: GradeAnnotations,
        draw_evidence: DrawEvidence | None = None,
        return_s: float = RETURN_S,
        *,
        draft: Draft | None = None,
        given: Annotations | None = None,
        proposed: Sequence[ProposedPoint] = (),
        note: str = "",
        render: RenderResult | None = None,
        landmarks: Landmarks | None = None,
        queued: bool = False,
    ) -> None:
        self.view = view
        self.conditions = tuple(conditions)
        given = Annotations() if given is None else given
        self._hints = to_hints(proposed, view, conditions)
        self._note = note
        self._queued = queued
        document, not_shown = to_document(given, view, conditions)
        self._bad = (*given.bad, *not_shown)
        self.annotations = self._parse(document)
        self._draft = draft or Draft(None)
        self._draft.latest = self.annotations
        self.unkept = ""
        self._landmarks = landmarks
        self._read = remember_pixels()
        self.offer = self._read_draft()
        self.pages = OpenPages(return_s)
        self.fault: Exception | None = None
        self._version = 0
        self._grade, self._draw_evidence, self._render = grade, draw_evidence, render
        self._rendered = -1, ""
        self._graded: dict[str, LevelGrade] = {}
        self._lock = threading.Lock()

    @property
    def ended(self) -> threading.Event:
        """Set when the person is done."""
        return self.pages.ended

    def open_page(self) -> dict[str, Any]:
        """A page has been loaded: tell it all it needs, and its number."""
        with self._lock:
            return self.view.to_json() | {
                "page": self.pages.open(),
                "version": self._version,
                "conditions": [
                    {"id": condition, "label": condition.place.title()}
                    for condition in self.conditions
                ],
                "levels": list(Level),
                "severities": list(Severity),
                "evidence": self._draw_evidence is not None,
                "result": self._render is not None,
                "longest_remark": LONGEST_REMARK,
                "set": self.annotations.document,
                "hints": self._hints,
                "queued": self._queued,
                "note": printable(self._note, 500),
                # As long as it would not take the place of anything.
                "offer": self.offer if self._version == 0 else None,
                "bad": [
                    f"{bad.condition or 'a row'} {bad.level}: {bad.reason}" for bad in self._bad
                ],
            }

    def annotate(self, document: Any, version: int) -> int:
        """Keep what the page says is set.

        Args:
            document: See `parse_annotations`.
            version: What the page showed before.

        Returns:
            The version that the page shows now.

        Raises:
            ValueError: It cannot be understood; what was set before is kept.
            OutdatedPageError: Another page has changed the annotations.
        """
        annotations = self._parse(document)
        with self._lock:
            self._check(version)
            same = annotations.document == self.annotations.document
            self.annotations = annotations
            self._version += 1
            if same and not self.unkept:
                return self._version
            self.unkept = ""
            try:
                self._draft.keep(annotations)
            except OutputError as error:
                self.unkept = str(error)
            return self._version

    def faults(self) -> dict[str, str]:
        """What speaks against the points that are set; see `find_faults`.

        Raises:
            LssError: A network fails; the page shows why.
        """
        points = self.annotations.points
        with self._keep_fault():
            return find_faults(self.view.study, points, self._read, self._landmarks)

    def grade(self, version: int) -> dict[str, Any]:
        """Grade what is set.

        Raises:
            OutdatedPageError: Another page has changed the annotations.
            LssError: It cannot be graded; the page shows why.
        """
        result = self._grade_version(version)
        self._graded = {
            f"{version}/{level.condition}/{level.level}": level
            for level in result.levels
            if level.probabilities
        }
        notes = [*result.cautions, *result.notes]
        return {"levels": [_row(level) for level in result.levels], "notes": notes}

    def evidence(self, version: int, condition: str, level: str) -> bytes | None:
        """A PNG of what stands behind the grade of a level; ``None`` if there is none.

        Raises:
            LssError: It cannot be drawn; the page shows why.
        """
        graded = self._graded.get(f"{version}/{condition}/{level}")
        if graded is None or self._draw_evidence is None:
            return None
        with self._keep_fault():
            return self._draw_evidence(graded)

    def result(self, version: int) -> str | None:
        """The page of the result, as HTML; ``None`` if there is none.

        Raises:
            OutdatedPageError: Another page has changed the annotations.
            LssError: It cannot be graded; the page shows why.
        """
        if self._render is None:
            return None
        # It is asked for twice: to be shown, and to be saved.
        if self._rendered[0] != version:
            result = self._grade_version(version)
            with self._keep_fault():
                self._rendered = version, self._render(result)
        self.settled(version)
        return self._rendered[1]

    def settled(self, version: int) -> Annotations:
        """What is set, if the page shows that.

        Raises:
            OutdatedPageError: Another page has changed the annotations.
        """
        with self._lock:
            self._check(version)
            return self.annotations

    def finish(self, version: int) -> None:
        """The person is done.

        Raises:
            OutdatedPageError: Another page has changed the annotations.
        """
        self.settled(version)
        self.ended.set()

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

    def _grade_version(self, version: int) -> StudyGrade:
        annotations = self.settled(version)
        with self._keep_fault():
            return self._grade(annotations)

    def _parse(self, document: Any) -> Annotations:
        return replace(parse_annotations(document, self.view, self.conditions), bad=self._bad)

    def _read_draft(self) -> dict[str, Any] | None:
        try:
            document, _ = to_document(self._draft.read(), self.view, self.conditions)
            self._parse(document)
        except ValueError:
            return None
        # What is set already needs no offer.
        if not document["marks"] or document == self.annotations.document:
            return None
        return {"set": document, "when": self._draft.when}

    def _check(self, version: int) -> None:
        if version != self._version:
            raise OutdatedPageError(
                "the points were changed in another tab.",
                todo="Load this page again to see them and go on.",
            )


def _row(level: LevelGrade) -> dict[str, Any]:
    return {
        "condition": level.condition,
        "label": level.condition.place.title() if level.condition else "",
        "level": level.level,
        "probabilities": level.probabilities,
        "grade": level.grade,
        "uncertain": level.explained if level.uncertain else "",
        "reason": level.reason,
        "warnings": level.warnings,
    }
