"""What a locator's file says of itself: one JSON document in the ONNX metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

import pydantic.dataclasses
from pydantic import ConfigDict, Field, model_validator

from lss_cli.validation import load_json, pop_version, read_document

FORMAT_VERSION = 1

Kind = Literal["sagittal", "axial"]

# What each kind finds, in the order of its maps: discs from the head to the feet, or the two
# recesses.
LANDMARKS: dict[Kind, tuple[str, ...]] = {
    "sagittal": ("L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"),
    "axial": ("left", "right"),
}

Pixels = Annotated[int, Field(ge=32, le=512, multiple_of=32)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


@pydantic.dataclasses.dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class WindowSpec:
    """The piece of a slice that a locator looks at.

    Attributes:
        size: Width and height, in pixels.
        pixel_mm: Distance of two pixels, the same both ways.
    """

    size: tuple[Pixels, Pixels]
    pixel_mm: Annotated[float, Field(ge=0.1, le=5, allow_inf_nan=False)]

    @property
    def field_mm(self) -> tuple[float, float]:
        """Width and height, in mm."""
        return self.size[0] * self.pixel_mm, self.size[1] * self.pixel_mm


@pydantic.dataclasses.dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LocatorMetadata:
    """How to feed a locator, how far to trust it, and where it comes from.

    Attributes:
        name: A short name for people.
        kind: What it looks at.
        window: How it wants to be fed.
        landmarks: What its maps show, in their order.
        map_stride: Pixels of the window, in either direction, for one cell of its maps.
        within_mm: A confidence is the probability that the landmark lies within this distance of
            the position.
        sure: From this confidence on positions are used that nobody has looked at.
        training: Counts of the data it was trained on; never identifiers.
        metrics: Figures on patients that it was not trained on.
        licence: Under which terms its weights may be used.
        intended_use: What it is for, and what not.
        created: ISO date.
        tools: Versions of the programs that made it.

    Raises:
        ValidationError: It could not be acted on; says which entry, and what is wrong with it.
    """

    name: str
    kind: Kind
    window: WindowSpec
    landmarks: tuple[str, ...]
    map_stride: Annotated[int, Field(ge=1, le=8)]
    within_mm: Annotated[float, Field(ge=0.5, le=50, allow_inf_nan=False)]
    sure: Share
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    licence: str
    intended_use: str
    created: str
    tools: Mapping[str, Any]

    @model_validator(mode="after")
    def _check(self) -> "LocatorMetadata":
        if self.landmarks != LANDMARKS[self.kind]:
            raise ValueError(f"its landmarks are {list(self.landmarks)}")
        if any(pixels % self.map_stride for pixels in self.window.size):
            raise ValueError("its maps do not fit its window")
        return self

    @property
    def map_size(self) -> tuple[int, int]:
        """Width and height of its maps, in cells."""
        width, height = self.window.size
        return width // self.map_stride, height // self.map_stride

    def to_json(self) -> str:
        """The document as it stands in the file."""
        document = asdict(self) | {"locator_version": FORMAT_VERSION}
        return json.dumps(document, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "LocatorMetadata":
        """Read the document.

        Raises:
            ValueError: It is no JSON, no locator's, of another format version, or says impossible
                things.
        """
        document = load_json(text)
        if not isinstance(document, dict) or "locator_version" not in document:
            raise ValueError("its description is not that of a locator.")
        pop_version(document, "locator_version", FORMAT_VERSION)
        return read_document(cls, document)
