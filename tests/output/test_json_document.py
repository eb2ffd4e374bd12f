import json

from jsonschema import Draft202012Validator

from tests.output.conftest import SCHEMA, spoil


def test_json_follows_its_documented_schema(predict, coords):
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(predict("--json", "-")[1]))
    spoil(coords)
    code, out, _ = predict("--json", "-")
    assert code == 4
    Draft202012Validator(SCHEMA).validate(json.loads(out))
