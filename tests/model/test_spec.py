"""How a model wants to be fed: what is refused, and what the file keeps."""

import pickle

import pytest

from lss_cli.model.spec import InputSpec

SPEC = InputSpec(view="slice", size=(40, 30), field_mm=(50, 40), shift_mm=3, level=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"view": "zoom"},
        {"size": (4, 4)},
        {"size": (16, 16, 16)},
        {"field_mm": (0.0, 30.0)},
        {"field_mm": (float("nan"), 30.0)},
        {"shift_mm": float("nan")},
        {"neighbours": -1},
        {"normalise": "magic"},
        {"surprise": 1},
    ],
)
def test_impossible_specifications(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        InputSpec(**wrong)


def test_the_specification_survives_json():
    assert InputSpec.from_json(SPEC.to_json()) == SPEC


def test_it_can_be_a_key_and_go_to_another_process():
    assert pickle.loads(pickle.dumps(SPEC)) == SPEC
    assert {SPEC: 1}[InputSpec.from_json(SPEC.to_json())] == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"view": "slices"}, "view: input should be 'crop' or 'slice', not 'slices'. Did you mean"),
        ({"feild_mm": 3}, "feild_mm is an unknown key. Did you mean 'field_mm'?"),
    ],
)
def test_a_refusal_names_the_nearest_word(change, what):
    with pytest.raises(ValueError, match="Did you mean") as caught:
        InputSpec.from_json(SPEC.to_json() | change)
    assert what in str(caught.value)


def test_a_document_names_every_key():
    document = SPEC.to_json()
    del document["shift_mm"]
    with pytest.raises(ValueError, match="missing keys: shift_mm"):
        InputSpec.from_json(document)
