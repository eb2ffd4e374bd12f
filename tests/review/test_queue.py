from contextlib import ExitStack

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.annotations import Annotations
from lss_cli.annotate.session import AnnotationSession
from lss_cli.annotate.view import StudyView
from lss_cli.batch.job import GradingJob
from lss_cli.batch.pool import JobAnswer
from lss_cli.errors import PointsError, StudyError
from lss_cli.points.point import BadPoint, Point, PointSource
from lss_cli.points.table import read_points
from lss_cli.review.queue import MOST_OPEN, OpenStudy, ReviewQueue
from lss_cli.review.record import ReviewRecord
from lss_cli.review.workers import ReadAhead
from tests.annotate.conftest import SIDES, two_series  # noqa: F401
from tests.annotate.documents import ABSENT, MARK

LEFT = Condition.LEFT_SUBARTICULAR


@pytest.fixture
def begin(two_series, tmp_path):  # noqa: F811
    """A queue of studies that are all the same small one; those named bad cannot be used."""
    view = StudyView.of(two_series)
    closed = []

    def open_study(job, before, draft):
        if job.study_id.startswith("bad"):
            raise StudyError("no DICOM image.", where="/a/path")
        given = Annotations.of_table(job.points, job.bad_points)
        files = ExitStack()
        files.callback(closed.append, job.study_id)
        session = AnnotationSession(
            view, SIDES, lambda _: None, draft=draft, given=given if before is None else before
        )
        return OpenStudy(session, files)

    with ExitStack() as records:

        def run(*names, points=(), bad_points=()):
            record = ReviewRecord.open(tmp_path / "report.csv.review")
            records.callback(record.close)
            jobs = [
                GradingJob(name, f"/{name}", tuple(points), tuple(bad_points), SIDES)
                for name in names
            ]
            graded = []
            coords = tmp_path / "coords.csv"
            queue = ReviewQueue(jobs, record, coords, open_study, graded.append)
            queue.graded, queue.closed, queue.close_record = graded, closed, record.close
            return queue

        yield run


def states(queue):
    return [study.state.value for study in queue.studies]


def given(level=Level.L1_L2):
    return Point("5", "4", 3, LEFT, level, 10.5, 20.0)


def test_a_study_goes_from_new_to_graded_and_back(begin, tmp_path):
    queue = begin("1", "bad", "3")
    session = queue.open(0)
    with pytest.raises(PointsError, match="nothing is set"):
        queue.confirm(0, 0)
    version = session.annotate({"marks": [MARK, ABSENT], "remark": "six"}, 0)
    assert states(queue) == ["begun", "new", "new"]
    points, (absent,) = read_points(tmp_path / "coords.csv")
    # Nobody has said yet that this is all, and right.
    assert (points[0].study_id, points[0].source, points[0].remark) == ("1", "proposed", "six")
    assert absent.not_visible
    # Before it is confirmed, nothing of it is graded.
    assert queue.to_job(0).points == ()
    assert queue.to_job(0).no_point == "points to be confirmed."
    assert queue.confirm(0, version) == 1
    assert read_points(tmp_path / "coords.csv")[0][0].source == "clicked"
    assert queue.ahead(0) == 2
    assert states(queue) == ["confirmed", "cannot be used", "new"]
    # The reason, and no path.
    assert queue.studies[1].reason == "no DICOM image."
    assert queue.graded == [0]
    job = queue.to_job(0)
    assert (len(job.points), len(job.bad_points), job.remark) == (1, 1, "six")
    queue.take(0, JobAnswer(job, []))
    assert states(queue)[0] == "graded"
    # The same once more is no change; another point is.
    assert queue.confirm(0, version) == 2
    assert states(queue)[0] == "graded"
    session.annotate({"marks": [MARK | {"x": 12}]}, version)
    assert states(queue)[0] == "begun"
    assert queue.to_job(0).points == ()


def test_what_was_graded_of_other_points_does_not_count(begin):
    queue = begin("1")
    session = queue.open(0)
    queue.confirm(0, session.annotate({"marks": [MARK]}, 0))
    before = queue.to_job(0)
    # The same place, by another person's word.
    queue.confirm(0, session.annotate({"marks": [MARK | {"source": "confirmed"}]}, 1))
    queue.take(0, JobAnswer(before, []))
    assert states(queue) == ["confirmed"]


def test_proposals_are_not_confirmed_unseen(begin):
    queue = begin("1")
    version = queue.open(0).annotate({"marks": [MARK | {"source": "proposed"}, ABSENT]}, 0)
    with pytest.raises(PointsError, match="not confirmed"):
        queue.confirm(0, version)


def test_points_of_a_table_wait_and_its_bad_rows_stay(begin):
    bad = BadPoint("5", LEFT, Level.L5_S1, "line 3: x is no number.")
    queue = begin("1", points=[given()], bad_points=[bad])
    session = queue.open(0)
    assert states(queue) == ["proposed"]
    marks = session.annotations.document["marks"]
    # To be graded they are sent as they are: nobody has changed anything.
    version = session.annotate({"marks": marks}, 0)
    assert states(queue) == ["proposed"]
    marks = [mark | {"source": "confirmed"} for mark in marks]
    queue.confirm(0, session.annotate({"marks": marks}, version))
    job = queue.to_job(0)
    assert [point.source for point in job.points] == [PointSource.CONFIRMED]
    assert [point.reason for point in job.bad_points] == [bad.reason]


def test_another_command_goes_on_and_grades_what_was_confirmed(begin):
    queue = begin("1", "2")
    queue.confirm(0, queue.open(0).annotate({"marks": [MARK]}, 0))
    queue.open(1).annotate({"marks": [ABSENT]}, 0)
    queue.close_record()
    again = begin("0", "1", "2", points=[given(Level.L2_L3)])
    assert states(again) == ["new", "confirmed", "begun"]
    assert again.graded == [1]
    # What a person has set comes before a table.
    assert [point.level for point in again.open(1).annotations.points] == ["L1/L2"]
    assert again.open(2).annotations.points == ()
    assert again.open(2).annotations.not_visible


def test_of_many_studies_the_page_hears_of_those_that_changed(begin):
    queue = begin(*map(str, range(100)), points=[given()])
    whole = queue.to_json()
    assert [study["name"] for study in whole["studies"].values()] == [*map(str, range(100))]
    queue.open(7)
    queue.open(3)
    changed = queue.to_json(whole["changes"])
    states = {index: study["state"] for index, study in changed["studies"].items()}
    assert states == {3: "proposed", 7: "proposed"}
    assert queue.to_json(changed["changes"])["studies"] == {}


def test_few_studies_are_open_at_a_time(begin):
    queue = begin(*map(str, range(MOST_OPEN + 2)))
    for index in range(MOST_OPEN + 2):
        queue.open(index)
    assert queue.closed == ["0", "1"]
    # One that was read for its state alone is closed at once.
    queue.open(0, keep=False)
    assert queue.closed == ["0", "1", "0"]
    queue.close()
    assert len(queue.closed) == MOST_OPEN + 3


def test_all_studies_are_read_ahead_for_their_state(begin):
    queue = begin("1", "bad", *map(str, range(3, 20)), points=[given()])
    ahead = ReadAhead(queue)
    for _ in range(200):
        if "new" not in states(queue):
            break
        queue.moved.wait(0.05)
    ahead.stop()
    assert states(queue) == ["proposed", "cannot be used", *["proposed"] * 17]
