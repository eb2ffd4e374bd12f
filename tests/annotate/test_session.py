from lss_cli.anatomy import Level
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.session import load_model
from tests.annotate.conftest import SIDES
from tests.annotate.documents import ABSENT


def test_a_page_loaded_again_goes_on(two_series):
    session = AnnotationSession(
        StudyView.of(two_series), SIDES, grade=lambda annotations: None, return_s=0.1
    )
    first = session.open_page()["page"]
    session.annotate({"marks": [ABSENT]})
    session.close_page(first)
    again = session.open_page()
    assert again["set"]["marks"] == [ABSENT]
    assert not session.ended.wait(0.3)
    # What is left of the first page may be late.
    session.close_page(first)
    assert not session.ended.wait(0.3)
    session.close_page(again["page"])
    assert session.ended.wait(2)


def test_the_page_is_told_where_two_grades_are_possible(two_series, tiny_model):
    rows = [
        LevelGrade(SIDES[0], Level.L4_L5, probabilities=(0.1, 0.4, 0.5)),
        LevelGrade(SIDES[0], Level.L5_S1, probabilities=(0.0, 0.1, 0.9)),
    ]
    result = StudyGrade("5", load_model(tiny_model).card, tuple(rows))
    answer = AnnotationSession(
        StudyView.of(two_series), SIDES, grade=lambda annotations: result
    ).grade()
    assert [level["uncertain"] for level in answer["levels"]] == ["Moderate/Severe", ""]
    assert [level["grade"] for level in answer["levels"]] == ["Severe", "Severe"]
