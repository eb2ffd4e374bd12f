"""A job travels as JSON, and a study that fails has rows of the same form as one that does not."""

import json
from pathlib import Path

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.batch.job import NO_POINT, GradingJob, failed_rows, grade_job
from lss_cli.model.metadata import ModelCard
from lss_cli.model.models import Models
from lss_cli.output.rows import COLUMNS
from lss_cli.points.point import BadPoint, Point

LEFT = Condition.LEFT_SUBARTICULAR
CARD = ModelCard("tiny", 64 * "a", "Apache-2.0", "2026-01-01", {})
POINT = Point("5", "7", 3, LEFT, Level.L1_L2, 3.5, 4.0)
BAD = (BadPoint("5", None, "L9", "no level"), BadPoint("5", LEFT, Level.L2_L3, "no number"))


def job(folder="/nowhere", points=(POINT,), bad_points=()):
    return GradingJob("5", folder, points, bad_points, (LEFT,))


def test_a_job_survives_json():
    before = job(bad_points=BAD)
    after = GradingJob.from_json(json.loads(json.dumps(before.to_json())))
    assert after == before
    assert [type(point.level) for point in after.bad_points] == [str, Level]


def test_what_is_no_job_is_refused():
    with pytest.raises(ValueError, match="points: input should be a valid tuple"):
        GradingJob.from_json(job().to_json() | {"points": 5})


def test_failed_rows_keep_the_point_and_have_every_column():
    rows = failed_rows(job(), "the process died.", (CARD,))
    assert [row["level"] for row in rows] == list(Level)
    assert {row["status"] for row in rows} == {"not graded"}
    assert {row["reason"] for row in rows} == {"the process died."}
    assert {row["model"] for row in rows} == {f"tiny {12 * 'a'}"}
    assert (rows[0]["series_id"], rows[0]["instance_number"], rows[0]["x"]) == ("7", 3, 3.5)
    assert all(set(row) == {*COLUMNS, "possible"} for row in rows)


def test_a_study_that_cannot_be_read_gives_its_reason_and_names_what_has_no_point(tiny_model):
    models = Models.load([tiny_model])
    rows = grade_job(job(str(Path("/nowhere"))), models)
    assert "no such folder" in rows[0]["reason"]
    assert {row["reason"] for row in rows[1:]} == {NO_POINT}
    assert rows[0].keys() == failed_rows(job(), "lost.", models.cards)[0].keys()
