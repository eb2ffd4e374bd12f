import json

from lss_cli.anatomy import Condition
from lss_cli.model.metadata import ModelMetadata
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
