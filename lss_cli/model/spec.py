"""How a model wants to be fed; stored in the model file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

View = Literal["crop", "slice"]
Normalise = Literal["percentile", "minmax", "zscore"]


@dataclass(frozen=True)
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
    """

    view: View = "crop"
    size: tuple[int, int] = (96, 96)
    field_mm: tuple[float, float] = (30.0, 30.0)
    shift_mm: float = 0.0
    neighbours: int = 1
    normalise: Normalise = "percentile"
    level: bool = False

    def __post_init__(self) -> None:
        """Refuse values that no input could be made with.

        Raises:
            ValueError: Says which value, and what it may be.
        """
        if self.view not in get_args(View):
            raise ValueError(f"view is {self.view!r}, it can be crop or slice.")
        if self.normalise not in get_args(Normalise):
            raise ValueError(
                f"normalise is {self.normalise!r}, it can be percentile, minmax or zscore."
            )
        if len(self.size) != 2 or not all(8 <= side <= 2048 for side in self.size):
            raise ValueError(f"size is {self.size}, each side can be 8 to 2048 pixels.")
        if len(self.field_mm) != 2 or not all(1 <= side <= 500 for side in self.field_mm):
            raise ValueError(f"field_mm is {self.field_mm}, each side can be 1 to 500 mm.")
        if not abs(self.shift_mm) <= 200:
            raise ValueError(f"shift_mm is {self.shift_mm}, it can be -200 to 200 mm.")
        if not 0 <= self.neighbours <= 8:
            raise ValueError(f"neighbours is {self.neighbours}, it can be 0 to 8.")

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
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            odd = ", ".join(sorted(set(values) ^ known))
            raise ValueError(f"the input specification has missing or unknown keys: {odd}.")
        try:
            width, height = values["size"]
            field_width, field_height = values["field_mm"]
            numbers = {
                "size": (int(width), int(height)),
                "field_mm": (float(field_width), float(field_height)),
                "shift_mm": float(values["shift_mm"]),
                "neighbours": int(values["neighbours"]),
                "level": bool(values["level"]),
            }
        except (TypeError, ValueError) as error:
            raise ValueError("a size in the input specification is no number.") from error
        return cls(**{**values, **numbers})
