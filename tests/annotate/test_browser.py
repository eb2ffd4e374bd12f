import os
import signal
import threading

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate import session
from lss_cli.annotate.browser import click_points, wait_for_points
from lss_cli.annotate.view import StudyView
from lss_cli.errors import LssError, PointsError, UsageError
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.session import load_model
from tests.annotate.conftest import SIDES
from tests.annotate.documents import ABSENT


@pytest.fixture
def wait(two_series):
    """Wait for a page on which `done` does what a person would."""

    def run(done, *, grade=lambda clicked: None, open_browser=lambda link: False, **options):
        visit = session.AnnotationSession(StudyView.of(two_series), SIDES, grade, **options)
        threading.Timer(0.05, done, [visit]).start()
        said = []
        return wait_for_points(visit, said.append, open_browser), said[0]

    return run


def finish(one):
    one.mark({"marks": [ABSENT]})
    one.finish()


def test_the_link_and_how_to_forward_it_are_said(wait):
    found, said = wait(finish)
    assert found.not_visible
    assert "http://127.0.0.1:" in said
    assert "ssh -L" in said


def test_the_browser_is_opened_where_there_is_one(wait):
    opened = []
    _, said = wait(finish, open_browser=lambda link: not opened.append(link))
    assert opened[0] in said
    assert "ssh" not in said
    assert "ssh" in wait(finish, open_browser=lambda link: False)[1]


def test_nothing_set_is_no_result(wait):
    with pytest.raises(PointsError, match="before a point was set"):
        wait(lambda one: one.finish())


def test_conditions_graded_elsewhere_are_refused(two_series):
    with pytest.raises(UsageError, match="axial"):
        click_points(
            two_series,
            conditions=[Condition.SPINAL_CANAL],
            grade=lambda clicked: None,
            announce=print,
            open_browser=lambda link: False,
        )


def test_ctrl_c_goes_through(wait):
    with pytest.raises(KeyboardInterrupt):
        wait(lambda one: os.kill(os.getpid(), signal.SIGINT))
    # The server has ended with it.
    assert "lss page" not in {one.name for one in threading.enumerate()}


def test_a_fault_of_ours_ends_the_wait_and_is_not_hidden(wait):
    def broken(clicked):
        raise ZeroDivisionError

    def grade(one):
        with pytest.raises(LssError, match="a fault in lss"):
            one.graded()

    with pytest.raises(ZeroDivisionError):
        wait(grade, grade=broken)


def test_closing_the_page_ends_and_keeps_what_was_set(wait):
    def close(one):
        page = one.opened()["page"]
        one.mark({"marks": [ABSENT]})
        one.left(page)

    assert wait(close, return_s=0.05)[0].not_visible


def test_a_page_loaded_again_goes_on(two_series):
    visit = session.AnnotationSession(
        StudyView.of(two_series), SIDES, grade=lambda clicked: None, return_s=0.1
    )
    first = visit.opened()["page"]
    visit.mark({"marks": [ABSENT]})
    visit.left(first)
    again = visit.opened()
    assert again["set"]["marks"] == [ABSENT]
    assert not visit.ended.wait(0.3)
    # What is left of the first page may be late.
    visit.left(first)
    assert not visit.ended.wait(0.3)
    visit.left(again["page"])
    assert visit.ended.wait(2)


def test_the_page_is_told_where_two_grades_are_possible(two_series, tiny_model):
    rows = [
        LevelGrade(SIDES[0], Level.L4_L5, probabilities=(0.1, 0.4, 0.5)),
        LevelGrade(SIDES[0], Level.L5_S1, probabilities=(0.0, 0.1, 0.9)),
    ]
    result = StudyGrade("5", load_model(tiny_model).card, tuple(rows))
    told = session.AnnotationSession(
        StudyView.of(two_series), SIDES, grade=lambda clicked: result
    ).graded()
    assert [one["uncertain"] for one in told["levels"]] == ["Moderate/Severe", ""]
    assert [one["grade"] for one in told["levels"]] == ["Severe", "Severe"]
