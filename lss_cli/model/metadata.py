"""What a model file says of itself: one JSON document in the ONNX metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

import pydantic.dataclasses
from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from lss_cli.anatomy import Condition, SeriesKind, Severity
from lss_cli.model.ood import OodStatistics
from lss_cli.model.spec import InputSpec
from lss_cli.rule import LIKELIEST, GradeRule
from lss_cli.validation import load_json, pop_version, read_document

FORMAT_VERSION = 1
METADATA_KEY = "lss"
# Under which the statistics of the training inputs stand in the document.
OOD_KEY = "familiarity"

# The parts that figures are measured on, the most telling first.
HELD_OUT = ("out_of_fold", "test", "validation")

Handling = Literal["as is", "mirrored"]
KnownCondition = Annotated[Condition, BeforeValidator(Condition.parse)]


@dataclass(frozen=True)
class ModelCard:
    """Which model graded: what every output says of it.

    Attributes:
        name: Its short name.
        sha256: Of the file.
        licence: Under which terms its weights may be used.
        created: ISO date.
        training: Counts of the data it was trained on.
        rule: By which it grades.
        conditions: What it grades.
    """

    name: str
    sha256: str
    licence: str
    created: str
    training: Mapping[str, Any]
    rule: GradeRule = LIKELIEST
    conditions: tuple[Condition, ...] = ()

    @property
    def label(self) -> str:
        """Name and begin of the hash, as the column ``model`` has it."""
        return f"{self.name} {self.sha256[:12]}"

    @property
    def trained_on(self) -> str:
        """A sentence's part on the training data."""
        return str(self.training.get("summary", "data that its card does not name"))


@pydantic.dataclasses.dataclass(
    frozen=True, config=ConfigDict(extra="forbid", populate_by_name=True)
)
class ModelMetadata:
    """How to feed a model, what it may grade, and where it comes from.

    Attributes:
        name: A short name for people.
        conditions: What it may grade, and whether left and right are exchanged first.
        input: How it wants to be fed.
        temperature: The logits are divided by it before the softmax; 1 changes nothing.
        ood: What its training inputs look like; without it inputs are not compared. In the file
            it is called ``familiarity``.
        series: The kind of series that a condition is graded in, where it is not RSNA's: the canal
            in axial slices.
        training: Counts of the data it was trained on; never identifiers.
        metrics: Figures on held-out studies, by the name of the part they were measured on.
        licence: Under which terms its weights may be used.
        intended_use: What it is for, and what not.
        created: ISO date.
        tools: Versions of the programs that made it.
        grade_weights: Of Normal/Mild, Moderate and Severe, see `GradeRule`; a file without them
            means the likeliest grade.

    Raises:
        ValidationError: It could not be acted on; says which entry, and what is wrong with it.
    """

    name: str
    conditions: Annotated[Mapping[KnownCondition, Handling], Field(min_length=1)]
    input: InputSpec
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    licence: str
    intended_use: str
    created: str
    tools: Mapping[str, Any]
    temperature: Annotated[float, Field(ge=0.01, le=100, allow_inf_nan=False)] = 1.0
    ood: Annotated[OodStatistics | None, Field(validation_alias=OOD_KEY)] = None
    series: Mapping[KnownCondition, SeriesKind] = field(default_factory=dict)
    classes: tuple[str, ...] = tuple(Severity)
    grade_weights: tuple[float, float, float] = LIKELIEST.weights

    @field_validator("metrics")
    @classmethod
    def _check_metrics(cls, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in HELD_OUT:
            part = metrics.get(name, {})
            if not (isinstance(part, Mapping) and isinstance(part.get("model", part), Mapping)):
                raise ValueError(f"its figures of the part {name!r} are no table")
        return metrics

    @field_validator("classes")
    @classmethod
    def _check_classes(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if classes != tuple(Severity):
            raise ValueError(
                f"its classes are {list(classes)}, not {[str(name) for name in Severity]}"
            )
        return classes

    @field_validator("grade_weights")
    @classmethod
    def _check_weights(cls, weights: tuple[float, float, float]) -> tuple[float, float, float]:
        return GradeRule(weights).weights

    @property
    def rule(self) -> GradeRule:
        """By which it grades."""
        return GradeRule(self.grade_weights)

    def mirrors(self, condition: Condition) -> bool:
        """Whether left and right are exchanged before a condition is graded."""
        return self.conditions[condition] == "mirrored"

    def series_of(self, condition: Condition) -> str:
        """The RSNA name of the kind of series in which it grades a condition."""
        return self.series.get(condition, condition.series_description)

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
        document = asdict(self) | {"format_version": FORMAT_VERSION}
        if statistics := document.pop("ood"):
            document[OOD_KEY] = statistics
        if not document["series"]:
            # Versions before 0.2 do not know the entry.
            del document["series"]
        if not self.rule.by_weight:
            # Nor this one, and they grade by nothing else.
            del document["grade_weights"]
        return json.dumps(document, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ModelMetadata":
        """Read the document.

        Raises:
            ValueError: It is no JSON, of another format version, or says impossible things.
        """
        document = load_json(text)
        if not isinstance(document, dict):
            raise ValueError("its description is no JSON object.")
        if "locator_version" in document:
            raise ValueError("it is a locator, which finds points and grades nothing.")
        pop_version(document, "format_version", FORMAT_VERSION)
        return read_document(cls, document)
