"""How a model wants to be fed; stored in the model file."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from lss_cli.validation import read_document

View = Literal["crop", "slice"]
Normalise = Literal["percentile", "minmax", "zscore"]
Pixels = Annotated[int, Field(ge=8, le=2048)]
Millimetres = Annotated[float, Field(ge=1, le=500, allow_inf_nan=False)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class InputSpec:
    """How a model wants to be fed. Travels inside the model file.

    Attributes:
        view: ``crop`` is a field around the point, ``slice`` the whole slice.
        size: Width and height of the network's image, in pixels.
        field_mm: Width and height of the field, in mm (``crop`` only).
        shift_mm: How far the field's centre lies from the point towards the midline, in mm
            (``crop`` only; conditions without a side are not shifted).
        neighbours: Slices on each side of the point's own; there are 2 × neighbours + 1 channels.
        normalise: ``percentile`` maps the 1st to 99th percentile of the field to 0…1 and clips,
            ``minmax`` its extremes, ``zscore`` its mean to 0 and its deviation to 1.
        level: Whether the network also takes the level, one-hot.

    Raises:
        ValidationError: No input could be made with a value; says which.
    """

    view: View = "crop"
    size: tuple[Pixels, Pixels] = (96, 96)
    field_mm: tuple[Millimetres, Millimetres] = (30.0, 30.0)
    shift_mm: Annotated[float, Field(ge=-200, le=200, allow_inf_nan=False)] = 0.0
    neighbours: Annotated[int, Field(ge=0, le=8)] = 1
    normalise: Normalise = "percentile"
    level: bool = False

    @model_validator(mode="before")
    @classmethod
    def _check_complete(cls, values: Any) -> Any:
        """A document names every key, so that no later default can change what it means."""
        if isinstance(values, Mapping) and (
            missing := [field.name for field in fields(cls) if field.name not in values]
        ):
            raise ValueError(f"missing keys: {', '.join(missing)}")
        return values

    @property
    def channels(self) -> int:
        """Number of slices in one input."""
        return 2 * self.neighbours + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.size[1], self.size[0], self.channels

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "InputSpec":
        """Build from a JSON document.

        Raises:
            ValueError: A key is missing or unknown, or a value impossible.
        """
        return read_document(cls, values, [field.name for field in fields(cls)])
