import stat

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.draft import Draft
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.points.point import BadPoint, Point
from tests.annotate.conftest import SIDES
from tests.annotate.documents import ABSENT, MARK


@pytest.fixture
def begin(two_series, tmp_path):
    """Begin a session of the study."""

    def run(given=None, conditions=SIDES, state=tmp_path / "state"):
        draft = Draft.of(two_series, conditions, state)
        view = StudyView.of(two_series)
        return AnnotationSession(view, conditions, lambda _: None, draft=draft, given=given), draft

    return run


def test_every_change_is_kept_for_its_owner_alone_and_offered(begin):
    session, draft = begin()
    assert session.open_page()["offer"] is None
    session.annotate({"marks": [MARK, ABSENT], "remark": "six"}, 0)
    assert stat.S_IMODE(draft.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(draft.path.parent.stat().st_mode) == 0o700
    # Of the study, neither the file nor its name tells who was examined, or where it lies.
    assert "1.2.3" not in draft.path.name
    after = begin()[0]
    offer = after.open_page()["offer"]
    assert offer["set"] == {"marks": [MARK, ABSENT], "remark": "six"}
    assert offer["when"]
    # Nothing is taken unasked, and what is not taken stays.
    assert not after.annotations
    assert begin()[0].open_page()["offer"]
    after.annotate(offer["set"], 0)
    assert after.open_page()["offer"] is None
    assert after.annotations.points == session.annotations.points
    draft.remove()
    assert begin()[0].open_page()["offer"] is None


def test_one_side_is_not_the_draft_of_both(begin):
    begin()[0].annotate({"marks": [MARK, ABSENT]}, 0)
    begin(conditions=SIDES[:1])[0].annotate({"marks": []}, 0)
    assert begin()[0].open_page()["offer"]["set"]["marks"] == [MARK, ABSENT]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"points": [{}]}', "[" * 10_000, "\0"])
def test_a_damaged_draft_is_no_draft(begin, content):
    session, draft = begin()
    session.annotate({"marks": [MARK]}, 0)
    draft.path.write_text(content)
    assert begin()[0].open_page()["offer"] is None


def test_where_nothing_can_be_kept_the_page_says_so(begin, tmp_path):
    (tmp_path / "file").touch()
    session, draft = begin(state=tmp_path / "file")
    assert session.annotate({"marks": [MARK]}, 0) == 1
    assert "cannot be created" in session.unkept
    assert draft.latest.points
    assert begin(state=None)[0].annotate({"marks": [MARK]}, 0) == 1


def test_given_points_are_where_the_table_has_them(begin):
    first, _ = begin()
    first.annotate({"marks": [MARK, ABSENT]}, 0)
    points = first.annotations.points
    given, _ = begin(Annotations(points, first.annotations.not_visible))
    assert given.open_page()["set"]["marks"] == [MARK, ABSENT]
    assert given.annotations.points == points


def test_given_points_that_cannot_be_shown_are_in_the_result(begin):
    left = Condition.LEFT_SUBARTICULAR
    points = (
        Point("", "4", 99, left, Level.L1_L2, 1, 1),
        Point("", "4", 1, left, Level.L2_L3, 1000, 1),
        # In the sagittal series.
        Point("", "5", 1, left, Level.L3_L4, 1, 1),
    )
    unreadable = BadPoint("", left, Level.L4_L5, "line 5")
    session, _ = begin(Annotations(points, bad=(unreadable,)))
    assert len(session.open_page()["bad"]) == 4
    names = [bad.level for bad in session.annotations.bad_points("5")]
    assert names == ["L4/L5", "L1/L2", "L2/L3", "L3/L4"]
    # Until they are set by hand.
    session.annotate({"marks": [MARK]}, 0)
    names = [bad.level for bad in session.annotations.bad_points("5")]
    assert names == ["L4/L5", "L2/L3", "L3/L4"]
