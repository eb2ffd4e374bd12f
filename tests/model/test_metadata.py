import json

from lss_cli.anatomy import Condition
from lss_cli.model.metadata import ModelMetadata
from tests.models import metadata


def test_description_survives_the_file():
    assert ModelMetadata.from_json(metadata().to_json()) == metadata()


def test_what_is_graded_is_named_by_condition():
    document = json.loads(metadata().to_json())
    assert document["conditions"][str(Condition.RIGHT_SUBARTICULAR)] == "mirrored"
