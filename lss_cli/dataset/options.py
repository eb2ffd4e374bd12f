"""What a person asks `lss prepare` for."""

# ruff: noqa: RUF009 - `option` makes a field, as `dataclasses.field` does
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from lss_cli.anatomy import DEFAULT_CONDITION, Condition
from lss_cli.dataset.split import parse_proportions
from lss_cli.errors import UsageError
from lss_cli.model.spec import InputSpec
from lss_cli.options import OptionSet, option, parse_condition

# From the lateral recess to beyond the midline. Of cut-outs of 53 × 36 mm around the canal, 97 %
# hold it wholly; a square that wide around the point fits into 18 %.
DEFAULT_SPEC = InputSpec(size=(80, 64), field_mm=(36.0, 30.0), shift_mm=6.0)

# Training, validation and test, by studies: the study's proportions.
DEFAULT_SPLIT = "80:10:10"

Balance = Literal["none", "drop-normal-studies", "equal"]
Scope = Literal["training", "all"]
Strategy = Literal["random", "stratified", "equal-train"]


def pair_parser(flag: str, kind: type[int] | type[float]) -> Callable[[str], tuple[float, float]]:
    """A function that reads ``N`` or ``W,H`` and, where it cannot, names the option."""

    def parse_pair(text: str) -> tuple[float, float]:
        try:
            first, *rest = [kind(float(part)) for part in text.split(",")]
            (second,) = rest or [first]
        except ValueError:
            raise UsageError(f"{flag} is {text!r}.", todo="Give one number, or W,H.") from None
        return first, second

    return parse_pair


# How model inputs are made; a field of `InputSpec` each.
SPEC_OPTIONS = {
    "view": option(None, "A field around the point, or the whole slice."),
    "size": option(
        None,
        "Pixels of the network's image.",
        metavar="N|W,H",
        parser=pair_parser("--size", int),
    ),
    "field_mm": option(
        None,
        "Field around the point, in mm.",
        metavar="N|W,H",
        parser=pair_parser("--field-mm", float),
    ),
    "shift_mm": option(None, "Shift of the field from the point to the midline, in mm."),
    "neighbours": option(None, "Slices on each side of the point's own."),
    "normalise": option(None, "How grey values are brought to one range."),
    "level": option(None, "Let the network know the disc level.", flag="--level"),
}


# Each counts once.
Conditions = Annotated[
    tuple[Condition, ...], AfterValidator(lambda names: tuple(dict.fromkeys(names)))
]


@dataclass(frozen=True)
class PrepareOptions(OptionSet):
    """What to prepare, and how; each field's help says what it is.

    Raises:
        UsageError: A value that cannot be, or would have no effect.
    """

    conditions: Conditions = option(
        (DEFAULT_CONDITION,),
        "What to learn; may be given several times.",
        flag="--condition",
        metavar="<list[str]>",
        parser=parse_condition,
    )
    mirror: bool = option(
        False, "Add the other side, mirrored, to the training part.", flag="--mirror"
    )
    spec: InputSpec = option(DEFAULT_SPEC, "How model inputs are made.", parts=SPEC_OPTIONS)
    balance: Balance = option(
        "none",
        "Leave out studies whose five levels are all Normal/Mild, or as many as it takes "
        "for equal numbers of the three grades.",
    )
    balance_scope: Scope = option(
        "training", "Balance the training part alone, or everything before the split."
    )
    proportions: tuple[float, float, float] = option(
        parse_proportions(DEFAULT_SPLIT),
        "Training:validation:test or training:test, by studies; 0:0:100 where nothing is trained.",
        flag="--split",
        typed=DEFAULT_SPLIT,
        metavar="A:B:C|A:C",
        parser=parse_proportions,
    )
    strategy: Strategy = option(
        "random",
        "Deal studies out by chance, with the same proportions of the grades in each "
        "part, or so that also the training part has equal numbers of the three grades.",
    )
    folds: int = option(0, "Divide what is not test into so many folds; 0: into none.")
    seed: int = option(0, "The same seed gives the same split.")
    tables_only: bool = option(
        False, "Join, balance and split; open no image.", flag="--tables-only"
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be, and what would have no effect."""
        super().__post_init__()
        if self.folds == 1:
            raise UsageError("folds is 1.", todo="Give 2 or more, or 0 for none.")
        if self.mirror and not self.mirrored:
            raise UsageError(
                "--mirror would add nothing.",
                todo="It adds the other side of a left or right condition; leave it out.",
            )
        if not self.proportions[0]:
            self._check_nothing_is_about_training()
        if self.balance == "none" and self.balance_scope == "all":
            raise UsageError(
                "--balance-scope would change nothing.",
                todo="Choose a --balance, or leave it out.",
            )

    def _check_nothing_is_about_training(self) -> None:
        about_training = {
            "--mirror": self.mirror,
            "--balance": self.balance != "none" and self.balance_scope == "training",
            "--strategy": self.strategy != "random",
            "--folds": self.folds > 0,
        }
        if flag := next((flag for flag, given in about_training.items() if given), None):
            other = " The other side is judged by naming it: --condition." * (flag == "--mirror")
            raise UsageError(
                f"{flag} is about training, and nothing is left to train on.",
                todo=f"Leave it out, or choose another --split.{other}",
            )

    @property
    def mirrored(self) -> tuple[Condition, ...]:
        """The conditions that are added, mirrored."""
        if not self.mirror:
            return ()
        return tuple(
            condition.mirrored
            for condition in self.conditions
            if condition.mirrored not in self.conditions
        )
