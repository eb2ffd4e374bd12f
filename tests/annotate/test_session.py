import pytest

from lss_cli.anatomy import Level
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.errors import OutdatedPageError
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.session import load_model
from tests.annotate.conftest import SIDES
from tests.annotate.documents import ABSENT


def test_a_page_loaded_again_goes_on(two_series):
    session = AnnotationSession(
        StudyView.of(two_series), SIDES, grade=lambda annotations: None, return_s=0.1
    )
    first = session.open_page()["page"]
    session.annotate({"marks": [ABSENT]}, 0)
    session.pages.close(first)
    again = session.open_page()
    assert again["set"]["marks"] == [ABSENT]
    assert not session.ended.wait(0.3)
    # What is left of the first page may be late.
    session.pages.close(first)
    assert not session.ended.wait(0.3)
    session.pages.close(again["page"])
    assert session.ended.wait(2)


def test_the_last_of_several_pages_ends_the_command(two_series):
    session = AnnotationSession(
        StudyView.of(two_series), SIDES, grade=lambda annotations: None, return_s=0.1
    )
    first, second = (session.open_page()["page"] for _ in range(2))
    session.pages.close(second)
    assert not session.ended.wait(0.3)
    session.pages.close(first)
    assert session.ended.wait(2)


def test_a_page_does_not_overwrite_what_another_has_set(session):
    older, newer = (session.open_page()["version"] for _ in range(2))
    newer = session.annotate({"marks": [ABSENT]}, newer)
    for outdated in (
        lambda: session.annotate({"marks": []}, older),
        lambda: session.grade(older),
        lambda: session.finish(older),
    ):
        with pytest.raises(OutdatedPageError, match="another tab"):
            outdated()
    assert session.annotations.not_visible
    assert not session.ended.is_set()
    # Once it has been loaded again, it may.
    again = session.open_page()
    assert again["set"]["marks"] == [ABSENT]
    session.annotate({"marks": []}, again["version"])
    assert not session.annotations.not_visible


def test_what_stands_behind_a_grade_is_not_that_of_another_tab(two_series, tiny_model):
    row = LevelGrade(SIDES[0], Level.L4_L5, probabilities=(0.1, 0.4, 0.5))
    result = StudyGrade("5", (load_model(tiny_model).card,), (row,))
    session = AnnotationSession(
        StudyView.of(two_series), SIDES, lambda annotations: result, lambda level: b"picture"
    )
    session.grade(0)
    assert session.evidence(0, SIDES[0], "L4/L5") == b"picture"
    session.grade(session.annotate({"marks": [ABSENT]}, 0))
    assert session.evidence(0, SIDES[0], "L4/L5") is None
    assert session.evidence(1, SIDES[0], "L4/L5") == b"picture"


def test_the_page_is_told_where_two_grades_are_possible(two_series, tiny_model):
    rows = [
        LevelGrade(SIDES[0], Level.L4_L5, probabilities=(0.1, 0.4, 0.5)),
        LevelGrade(SIDES[0], Level.L5_S1, probabilities=(0.0, 0.1, 0.9)),
    ]
    result = StudyGrade("5", (load_model(tiny_model).card,), tuple(rows))
    answer = AnnotationSession(
        StudyView.of(two_series), SIDES, grade=lambda annotations: result
    ).grade(0)
    assert [level["uncertain"] for level in answer["levels"]] == ["Moderate or Severe", ""]
    assert [level["grade"] for level in answer["levels"]] == ["Severe", "Severe"]


def test_the_result_is_of_the_newest_points(two_series, tiny_model):
    graded, result = [], StudyGrade("5", (load_model(tiny_model).card,), ())
    session = AnnotationSession(
        StudyView.of(two_series),
        SIDES,
        lambda annotations: graded.append(annotations) or result,
        render=lambda result: result.study_id,
    )
    # To be shown, and to be saved.
    assert session.result(0) == session.result(0) == "5"
    assert len(graded) == 1
    session.annotate({"marks": [ABSENT]}, 0)
    with pytest.raises(OutdatedPageError):
        session.result(0)
    assert AnnotationSession(StudyView.of(two_series), SIDES, lambda _: result).result(0) is None
