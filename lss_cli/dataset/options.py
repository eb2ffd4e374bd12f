"""What a person asks `lss prepare` for."""

from dataclasses import dataclass
from typing import Literal

from lss_cli.anatomy import DEFAULT_CONDITION, Condition
from lss_cli.dataset.split import parse_proportions
from lss_cli.errors import UsageError
from lss_cli.model.spec import InputSpec

DEFAULT_SPEC = InputSpec(size=(80, 64), field_mm=(36.0, 30.0), shift_mm=6.0)
"""From the lateral recess to beyond the midline. Of cut-outs of 53 × 36 mm around the canal, 97 %
hold it wholly; a square that wide around the point fits into 18 %."""

DEFAULT_SPLIT = "80:10:10"
"""Training, validation and test, by studies: the study's proportions."""

Balance = Literal["none", "drop-normal-studies", "equal"]
Scope = Literal["training", "all"]
Strategy = Literal["random", "stratified", "equal-train"]


@dataclass(frozen=True)
class PrepareOptions:
    """What to prepare, and how.

    Attributes:
        conditions: What a model shall learn to grade.
        mirror: Whether the other sides are added, mirrored, to the training part.
        balance: Which studies are left out for the sake of the rarer grades.
        balance_scope: Whether that happens in the training part alone or before the split.
        proportions: Training, validation and test, by studies.
        strategy: How studies are dealt out to the parts.
        folds: Folds of what is not test; 0 for none.
        seed: Of split, folds and balance.
        spec: How model inputs are made.
        tables_only: Whether no image is opened and no model input made.
    """

    conditions: tuple[Condition, ...] = (DEFAULT_CONDITION,)
    mirror: bool = False
    balance: Balance = "none"
    balance_scope: Scope = "training"
    proportions: tuple[float, float, float] = parse_proportions(DEFAULT_SPLIT)
    strategy: Strategy = "random"
    folds: int = 0
    seed: int = 0
    spec: InputSpec = DEFAULT_SPEC
    tables_only: bool = False

    def __post_init__(self) -> None:
        """Refuse what would have no effect.

        Raises:
            UsageError: Says which option.
        """
        if self.mirror and not self.mirrored:
            raise UsageError(
                "--mirror would add nothing.",
                todo="It adds the other side of a left or right condition; leave it out.",
            )
        if self.balance == "none" and self.balance_scope == "all":
            raise UsageError(
                "--balance-scope would change nothing.",
                todo="Choose a --balance, or leave it out.",
            )

    @property
    def mirrored(self) -> tuple[Condition, ...]:
        """The conditions that are added, mirrored."""
        if not self.mirror:
            return ()
        return tuple(one.mirrored for one in self.conditions if one.mirrored not in self.conditions)
