from dataclasses import replace

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import ModelError, PointsError
from lss_cli.grading.grade import grade_study
from lss_cli.grading.proposed import grade_proposal
from lss_cli.grading.result import PROPOSED
from lss_cli.locate.locate import Locators, locate
from lss_cli.locate.proposal import UNCONFIRMED
from lss_cli.model.session import load_model
from lss_cli.output.rows import rows
from lss_cli.study.study import read_study
from tests.locate.studies import plan, write_coded_study, write_locators
from tests.models import write_tiny_model

RIGHT = Condition.RIGHT_SUBARTICULAR


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read_study(write_coded_study(tmp_path_factory.mktemp("coded"), plan(1, slices=3)))


@pytest.fixture(scope="module")
def proposal(study, tmp_path_factory):
    return locate(study, Locators.load(write_locators(tmp_path_factory.mktemp("models"))))


@pytest.fixture(scope="module")
def model(tiny_model):
    return load_model(tiny_model)


def test_sure_points_are_graded_as_the_same_points_of_a_table(study, proposal, model):
    result = grade_proposal(study, proposal, model)
    given = grade_study(study, [item.point for item in proposal.points], (), model)
    assert [row.probabilities for row in result.levels] == [
        row.probabilities for row in given.levels
    ]
    assert result.complete
    assert {row["points"] for row in rows(result)} == {"proposed"}
    assert PROPOSED in result.cautions
    assert any(note.startswith("sagittal series") for note in result.notes)


def test_what_is_not_sure_is_not_graded_but_keeps_its_point(study, proposal, model):
    first, *rest = proposal.points
    doubtful = replace(first, sure=False, doubts=("the disc is 43% sure.",))
    result = grade_proposal(study, replace(proposal, points=(doubtful, *rest)), model)
    row = next(row for row in result.levels if row.point == first.point)
    assert (row.status, row.reason) == ("not graded", UNCONFIRMED)
    assert row.warnings == ("the disc is 43% sure.",)
    assert sum(row.status == "graded" for row in result.levels) == 9
    assert [row.level for row in result.levels] == 2 * list(Level)


def test_nothing_sure_says_nothing_of_points_that_graded(study, proposal, model):
    none = replace(proposal, points=tuple(replace(item, sure=False) for item in proposal.points))
    result = grade_proposal(study, none, model)
    assert not any(row.probabilities for row in result.levels)
    assert result.cautions == ()


def test_a_missing_level_has_its_reason(study, proposal, model):
    points = tuple(item for item in proposal.points if item.point.level is not Level.L1_L2)
    short = replace(proposal, points=points, missing={Level.L1_L2: "not covered: gone."})
    result = grade_proposal(study, short, model, [RIGHT])
    assert [row.reason for row in result.levels] == ["not covered: gone.", "", "", "", ""]
    assert not result.complete


def test_it_says_where_another_slice_has_another_grade(study, proposal, tmp_path):
    sharp = load_model(write_tiny_model(tmp_path / "sharp.onnx", sure=8))
    bare = replace(
        proposal, points=tuple(replace(item, alternative=None) for item in proposal.points)
    )
    first, *_ = grade_proposal(study, bare, sharp, [RIGHT]).levels
    # The slices of a level show the same here, so another place stands for the next slice.
    places = [replace(first.point, x=float(x), y=float(y)) for x in (30, 80, 120) for y in (40, 90)]
    graded = [grade_study(study, [place], (), sharp, check=False).levels[0] for place in places]
    other = next(row for row in graded if row.grade and row.grade is not first.grade)
    beside = other.point
    items = tuple(
        replace(item, alternative=beside) if item.point == first.point else item
        for item in bare.points
    )
    for row in grade_proposal(study, replace(bare, points=items), sharp).levels:
        texts = [text for text in row.warnings if "could be meant as well" in text]
        if row.point != first.point:
            assert not texts
            continue
        (text,) = texts
        assert text.startswith(f"slice {beside.instance_number} could be meant as well")
        assert str(other.grade) in text


def test_conditions_without_proposals_are_refused(study, proposal, model):
    with pytest.raises(ModelError, match="may not grade spinal_canal_stenosis"):
        grade_proposal(study, proposal, model, [Condition.SPINAL_CANAL])


def test_a_model_of_other_conditions_has_nothing_to_grade(study, proposal, tmp_path):
    canal = load_model(
        write_tiny_model(tmp_path / "canal.onnx", conditions={Condition.SPINAL_CANAL: "as is"})
    )
    with pytest.raises(PointsError, match="points are proposed for left_subarticular_stenosis"):
        grade_proposal(study, proposal, canal)
