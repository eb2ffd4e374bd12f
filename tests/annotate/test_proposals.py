"""The page with points that a program proposes: a real browser, a phantom."""

from dataclasses import replace

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.annotations import Annotations, add_proposals
from lss_cli.annotate.browser import serve_page
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.grading.grade import grade_study
from lss_cli.locate.proposal import ProposedPoint
from lss_cli.model.session import load_model
from lss_cli.points.point import PointSource
from lss_cli.points.table import read_points
from lss_cli.study.study import read_study
from tests.annotate.browsing import centre, come_in, settle, shown
from tests.annotate.conftest import SIDES

LEFT, RIGHT = SIDES
DOUBT = "the disc is 71 % sure."


@pytest.fixture
def proposed(scanned) -> list[ProposedPoint]:
    """The phantom's own points, a little aside; the right one of L4/L5 is doubtful."""
    points, _ = read_points(scanned / "train_label_coordinates.csv")
    return [
        ProposedPoint(
            replace(point, x=round(point.x + 1, 2)),
            position=(0.0, 0.0, 0.0),
            confidence=0.97,
            sure=True,
            doubts=(DOUBT,) * ((point.condition, point.level) == (RIGHT, Level.L4_L5)),
        )
        for point in points
        if point.condition in SIDES
    ]


@pytest.fixture
def begin(scanned, tiny_model):
    """A session of the phantom, graded by random weights."""
    study = read_study(next((scanned / "train_images").iterdir()))
    model = load_model(tiny_model)

    def grade(annotations):
        return grade_study(study, annotations.points, annotations.bad_points(study.id), model)

    def run(given=None, proposed=(), **options):
        given = add_proposals(Annotations() if given is None else given, proposed)
        view = StudyView.of(study)
        return AnnotationSession(view, SIDES, grade, given=given, proposed=proposed, **options)

    return run


def sources(session):
    return {
        (point.condition, point.level): str(point.source) for point in session.annotations.points
    }


def test_proposals_take_no_place_and_are_nobodys_word_until_confirmed(begin, proposed):
    given = Annotations((replace(proposed[0].point, x=50.0, source=PointSource.GIVEN),))
    session = begin(given=given, proposed=proposed, note="of two networks.")
    assert len(session.annotations.points) == 10
    assert session.annotations.points[0].x == 50
    assert bool(session.annotations)
    page = session.open_page()
    assert page["note"] == "of two networks."
    assert sorted({mark["source"] for mark in page["set"]["marks"]}) == ["given", "proposed"]
    (doubtful,) = (hint for hint in page["hints"] if hint["doubts"])
    assert (doubtful["condition"], doubtful["level"]) == (RIGHT, "L4/L5")
    assert not begin(proposed=proposed).annotations


def test_ten_proposed_points_are_confirmed_moved_and_called_otherwise(page, begin, proposed):
    session = begin(proposed=proposed)
    with serve_page(session) as (link, _):
        come_in(page, link)
        words, rows = page.locator("#status"), page.locator("#levels li")
        assert "Enter confirms" in words.text_content()
        assert "proposed 97 %" in rows.nth(0).text_content()
        assert f"Right: {DOUBT}" in rows.nth(3).text_content()
        assert page.locator("#gallery canvas[data-points='2']").count() == 5
        assert page.locator("#gallery .doubtful").count() == 1
        assert page.locator("#finish").is_disabled()
        # All levels one up: the points stay, and L1/L2's are gone until they are brought back.
        first, before = rows.nth(0).text_content(), rows.nth(1).text_content()
        page.keyboard.press("h")
        assert "2 marks fell off" in words.text_content()
        assert "open" in rows.nth(4).text_content()
        assert rows.nth(0).text_content().replace("L1/L2", "L2/L3")[1:] == before[1:]
        page.keyboard.press("u")
        assert rows.nth(0).text_content() == first
        page.click("#down")
        assert "open" in rows.nth(0).text_content()
        page.keyboard.press("u")
        # The doubtful one is shown before its word is taken.
        page.keyboard.press("Enter")
        settle(page)
        assert DOUBT in words.text_content()
        assert shown(page) == proposed_number(proposed, RIGHT, Level.L4_L5)
        assert "proposed" in sources(session).values()
        # Moved, it is the person's own.
        page.mouse.click(*centre(page, "axial"))
        page.keyboard.press("Enter")
        page.wait_for_selector(".verdict")
        assert sources(session) == {
            (condition, level): "clicked"
            if (condition, level) == (RIGHT, Level.L4_L5)
            else "confirmed"
            for condition in SIDES
            for level in Level
        }
        assert "✓" in rows.nth(0).text_content()
        assert page.locator("#finish").is_enabled()
        page.close()


def test_without_proposals_one_line_says_why(page, begin):
    session = begin(note="Nothing is proposed: the study has no sagittal series.")
    with serve_page(session) as (link, _):
        come_in(page, link)
        assert "no sagittal series" in page.locator("#status").text_content()
        assert page.locator("#gallery").is_hidden()
        page.close()


def proposed_number(proposed, condition: Condition, level: Level) -> int:
    return next(
        item.point.instance_number
        for item in proposed
        if (item.point.condition, item.point.level) == (condition, level)
    )
