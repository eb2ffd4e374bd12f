"""What a model file says of itself: one JSON document in the ONNX metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from lss_cli.anatomy import Condition, Severity
from lss_cli.model.ood import OodStatistics
from lss_cli.model.spec import InputSpec

FORMAT_VERSION = 1
METADATA_KEY = "lss"

# The parts that figures are measured on, the most telling first.
HELD_OUT = ("out_of_fold", "test", "validation")

Handling = Literal["as is", "mirrored"]


@dataclass(frozen=True)
class ModelCard:
    """Which model graded: what every output says of it.

    Attributes:
        name: Its short name.
        sha256: Of the file.
        licence: Under which terms its weights may be used.
        created: ISO date.
        training: Counts of the data it was trained on.
    """

    name: str
    sha256: str
    licence: str
    created: str
    training: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Name and begin of the hash, as the column ``model`` has it."""
        return f"{self.name} {self.sha256[:12]}"

    @property
    def trained_on(self) -> str:
        """A sentence's part on the training data."""
        return str(self.training.get("summary", "data that its card does not name"))


@dataclass(frozen=True)
class ModelMetadata:
    """How to feed a model, what it may grade, and where it comes from.

    Attributes:
        name: A short name for people.
        conditions: What it may grade, and whether left and right are exchanged first.
        input: How it wants to be fed.
        temperature: The logits are divided by it before the softmax; 1 changes nothing.
        familiarity: What its training inputs look like; without it inputs are not compared.
        training: Counts of the data it was trained on; never identifiers.
        metrics: Figures on held-out studies, by the name of the part they were measured on.
        licence: Under which terms its weights may be used.
        intended_use: What it is for, and what not.
        created: ISO date.
        tools: Versions of the programs that made it.
    """

    name: str
    conditions: Mapping[Condition, Handling]
    input: InputSpec
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    licence: str
    intended_use: str
    created: str
    tools: Mapping[str, str]
    temperature: float = 1.0
    familiarity: OodStatistics | None = None
    classes: tuple[str, ...] = field(default=tuple(Severity))

    def __post_init__(self) -> None:
        """Refuse a document that could not be acted on.

        Raises:
            ValueError: Says which entry, and what is wrong with it.
        """
        for key in ("name", "licence", "intended_use", "created"):
            if not isinstance(getattr(self, key), str):
                raise ValueError(f"its {key} is no text.")
        for key in ("training", "metrics", "tools"):
            if not isinstance(getattr(self, key), Mapping):
                raise ValueError(f"its {key} is no JSON object.")
        if tuple(self.classes) != tuple(Severity):
            raise ValueError(f"its classes are {list(self.classes)}, not {list(Severity)}.")
        if not self.conditions:
            raise ValueError("it names no condition that it may grade.")
        if odd := set(self.conditions.values()) - set(get_args(Handling)):
            raise ValueError(f"a condition is to be handled in unknown ways: {sorted(odd)}.")
        if not 0.01 <= self.temperature <= 100:
            raise ValueError(f"its temperature is {self.temperature}, it can be 0.01 to 100.")

    def mirrors(self, condition: Condition) -> bool:
        """Whether left and right are exchanged before a condition is graded."""
        return self.conditions[condition] == "mirrored"

    @property
    def key_figures(self) -> dict[str, float]:
        """Numbers measured on studies that the model was not trained on, by name."""
        part: Mapping[str, Any] = next(
            (self.metrics[name] for name in HELD_OUT if name in self.metrics), {}
        )
        figures = part.get("model", part)
        return {name: float(value) for name, value in figures.items() if isinstance(value, float)}

    def to_json(self) -> str:
        """The document as it stands in the file."""
        document = asdict(self) | {
            "format_version": FORMAT_VERSION,
            "conditions": {str(key): value for key, value in self.conditions.items()},
            "input": self.input.to_json(),
            "classes": [str(name) for name in self.classes],
        }
        if self.familiarity is None:
            del document["familiarity"]
        return json.dumps(document, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ModelMetadata":
        """Read the document.

        Raises:
            ValueError: It is no JSON, of another format version, or says impossible things.
        """
        document = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("its description is no JSON object.")
        version = document.pop("format_version", None)
        if version is True or version != FORMAT_VERSION:
            raise ValueError(
                f"its format version is {version!r}, this program knows {FORMAT_VERSION}."
            )
        known = document.get("familiarity")
        try:
            return cls(
                **document
                | {
                    "conditions": {
                        Condition.parse(key): value for key, value in document["conditions"].items()
                    },
                    "input": InputSpec.from_json(document["input"]),
                    "classes": tuple(document["classes"]),
                    "temperature": float(document["temperature"]),
                    "familiarity": known if known is None else OodStatistics.from_json(known),
                }
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"its description is incomplete or odd ({error}).") from error
