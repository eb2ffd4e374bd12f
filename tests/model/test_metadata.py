import json

import pytest

from lss_cli.anatomy import Condition
from lss_cli.model.metadata import ModelMetadata
from lss_cli.rule import GradeRule
from tests.models import metadata


def test_description_survives_the_file():
    assert ModelMetadata.from_json(metadata().to_json()) == metadata()


def test_what_is_graded_is_named_by_condition():
    document = json.loads(metadata().to_json())
    assert document["conditions"][str(Condition.RIGHT_SUBARTICULAR)] == "mirrored"


def test_a_condition_may_be_graded_in_another_kind_of_series_than_rsnas():
    canal, axial = Condition.SPINAL_CANAL, "Axial T2"
    assert metadata().series_of(canal) == "Sagittal T2/STIR"
    described = metadata(conditions={canal: "as is"}, series={canal: axial})
    assert ModelMetadata.from_json(described.to_json()).series_of(canal) == axial
    # Earlier versions read files that have nothing unusual.
    assert "series" not in json.loads(metadata().to_json())


def test_a_file_says_by_which_weights_it_grades_and_one_that_does_not_means_the_likeliest():
    described = metadata(grade_weights=(1, 2, 4))
    assert json.loads(described.to_json())["grade_weights"] == [1, 2, 4]
    assert ModelMetadata.from_json(described.to_json()) == described
    assert described.rule == GradeRule((1, 2, 4))
    plain = metadata().to_json()
    # Programs of before there were weights read it.
    assert "grade_weights" not in json.loads(plain)
    assert not ModelMetadata.from_json(plain).rule.by_weight


@pytest.mark.parametrize(
    "weights",
    [[1, 2], [1, 2, 4, 8], [1, 2, 0], [1, -2, 4], [1, 2, "four"], [1, 2, float("nan")], None, 4],
)
def test_weights_that_cannot_be_graded_by_are_refused(weights):
    document = json.loads(metadata().to_json()) | {"grade_weights": weights}
    with pytest.raises(ValueError, match="grade_weights"):
        ModelMetadata.from_json(json.dumps(document))
