"""Models that grade together: each condition by the first of them that may grade it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from lss_cli.anatomy import Condition
from lss_cli.errors import ModelError
from lss_cli.model.metadata import ModelCard
from lss_cli.model.session import Model, load_model
from lss_cli.text import join_words, printable


@dataclass(frozen=True, eq=False)
class Models:
    """What grades a study: a model for each condition.

    Attributes:
        members: At least one.
    """

    members: tuple[Model, ...]

    @classmethod
    def load(cls, files: Iterable[Path], *, threads: int | None = None) -> "Models":
        """Load and check model files; see `load_model`.

        Raises:
            ModelError: One cannot be used.
        """
        return cls(tuple(load_model(path, threads=threads) for path in files))

    @classmethod
    def of(cls, models: "Model | Models") -> "Models":
        """One model is several, too."""
        return models if isinstance(models, Models) else cls((models,))

    @cached_property
    def by_condition(self) -> Mapping[Condition, Model]:
        """What grades each condition, of those that anything may grade; in their order."""
        first: dict[Condition, Model] = {}
        for model in self.members:
            first = dict.fromkeys(model.metadata.conditions, model) | first
        return {condition: first[condition] for condition in Condition if condition in first}

    @property
    def conditions(self) -> list[Condition]:
        """All that may be graded."""
        return list(self.by_condition)

    @property
    def files(self) -> list[Path]:
        """Those of the members."""
        return [model.path for model in self.members]

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """What a result keeps of each, with the conditions that it grades."""
        return tuple(
            replace(
                model.card,
                conditions=tuple(
                    condition for condition, own in self.by_condition.items() if own is model
                ),
            )
            for model in self.members
        )

    def series_of(self, condition: Condition) -> str:
        """The RSNA name of the kind of series in which a condition is graded here."""
        model = self.by_condition.get(condition)
        return model.metadata.series_of(condition) if model else condition.series_description

    def require(self, conditions: Iterable[Condition]) -> None:
        """Refuse conditions that no model may grade.

        Raises:
            ModelError: Says which, and what may be graded.
        """
        if refused := [condition for condition in conditions if condition not in self.conditions]:
            names = join_words(printable(path.name) for path in self.files)
            several = len(self.members) > 1
            raise ModelError(
                f"the model{'s' * several} {names} may not grade {join_words(refused)}.",
                todo=f"{'They' if several else 'It'} may grade {join_words(self.conditions)}.",
            )
