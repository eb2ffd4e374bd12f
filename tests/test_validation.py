"""What pydantic says, in one sentence of ours."""

from typing import Annotated, Literal

import pytest
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from lss_cli.validation import read_document


@dataclass(config=ConfigDict(extra="forbid"))
class Inner:
    size: tuple[Annotated[int, Field(ge=8)], int]


@dataclass(config=ConfigDict(extra="forbid"))
class Outer:
    inner: Inner
    view: Literal["crop", "slice"] = "crop"


GOOD = {"inner": {"size": [8, 1]}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"view": "slcie"}, "view: input should be 'crop' or 'slice', not 'slcie'. Did you mean"),
        ({"veiw": "crop"}, "veiw is an unknown key. Did you mean 'view'?"),
        ({"inner": {"size": [4, 1]}}, "inner.size.0: input should be greater than or equal to 8"),
        ({"inner": {}}, "inner.size is missing."),
        ({"inner": {"size": [8]}}, "inner.size.1 is missing."),
        ({"bad\x1b[2J": 1}, "bad?[2J is an unknown key."),
        ({"inner": 9 * "long text "}, "…"),
    ],
)
def test_the_first_fault_is_named_with_its_place(change, sentence):
    assert read_document(Outer, GOOD).view == "crop"
    with pytest.raises(ValueError, match=r"[.?…]$") as caught:
        read_document(Outer, GOOD | change, known=["inner", "view"])
    text = str(caught.value)
    assert sentence in text
    assert "\n" not in text
    assert len(text) < 200
