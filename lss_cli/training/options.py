"""How to train: one table of options, from which command line, TOML files and tuning derive.

To add an option, add a field to `TrainingOptions`: its type, default, help and limits make the
option of `lss train`, the key of ``--config`` and, where it has a range to search, the dimension of
`lss tune`.
"""

# ruff: noqa: RUF009 - `option` makes a field, as `dataclasses.field` does
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lss_cli.errors import UsageError
from lss_cli.text import suggest

Backbone = Literal[
    "custom",
    "densenet121",
    "vgg16",
    "inception_v3",
    "inception_resnet_v2",
    "xception",
    "resnet50",
    "efficientnet_b0",
    "mobilenet",
]
Slices = Literal["channels", "sequence"]
Activation = Literal["relu", "tanh", "leaky_relu", "sigmoid"]
Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["plateau", "cosine", "constant"]
Loss = Literal["cross_entropy", "weighted", "focal"]
Precision = Literal["float32", "mixed"]

NO_WEIGHTS, IMAGENET = "none", "imagenet"


@dataclass(frozen=True)
class Range:
    """Numbers that tuning may try.

    Attributes:
        low: The smallest.
        high: The largest.
        log: Whether each factor counts the same, instead of each difference.
    """

    low: float
    high: float
    log: bool = False


Search = Range | tuple[Any, ...]
"""What tuning may try: a range, or one of several values."""


def option(
    default: Any,
    text: str,
    *,
    low: float = 0,
    high: float = 1e9,
    search: Search = (),
    custom_only: bool = False,
) -> Any:
    """A field of `TrainingOptions`.

    Args:
        default: Its value unless told otherwise.
        text: One line for ``--help``.
        low: The smallest number allowed.
        high: The largest.
        search: What tuning tries unless told otherwise; nothing for most.
        custom_only: Whether it concerns the custom network alone.
    """
    about = {"help": text, "low": low, "high": high, "search": search, "custom_only": custom_only}
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class TrainingOptions:
    """How to train; each field's help says what it is.

    Raises:
        UsageError: A value that cannot be, or values that do not go together.
    """

    backbone: Backbone = option("custom", "Image part of the network.")
    weights: str = option(NO_WEIGHTS, "Start of the backbone: none, imagenet or a weights file.")
    until: str = option("", "Use a ready-made backbone up to this layer only.")
    slices: Slices = option(
        "channels", "Neighbouring slices as channels, or one by one through an LSTM."
    )
    lstm: int = option(64, "Nodes of the LSTM over the slices.", low=1)
    freeze: bool = option(False, "Leave the backbone as it is; its features are computed once.")
    unfreeze_from: str = option("", "Train the backbone from this layer on only.")
    copies: int = option(1, "Varied copies of each image whose frozen features are kept.", low=1)
    fine_tune_epochs: int = option(0, "First the head, then so many epochs with the backbone.")
    fine_tune_rate: float = option(0.1, "Factor on the learning rate while fine-tuning.", low=1e-9)
    blocks: int = option(
        3, "Convolution blocks.", low=1, high=8, search=(2, 3, 4), custom_only=True
    )
    filters: int = option(
        16, "Filters of the first block; each next has twice as many.", low=1,
        search=(8, 16, 32), custom_only=True,
    )  # fmt: skip
    dense: tuple[int, ...] = option(
        (128, 64), "Nodes of the dense layers.", low=1, search=((64,), (128, 64), (256, 128))
    )
    coordinates: tuple[int, ...] = option(
        (2, 4, 2), "Nodes of the layers on the point.", low=1, search=((2, 4, 2), (8, 8))
    )
    activation: Activation = option(
        "relu", "Of all layers but a ready-made backbone's.", search=get_args(Activation)
    )
    dropout: float = option(
        0.0, "Share of features left out while training.", high=0.95, search=Range(0.0, 0.6)
    )
    epochs: int = option(10, "The most there will be; with fine-tuning, of the head.", low=1)
    batch_size: int = option(32, "Rows per step.", low=1, search=(16, 32, 64))
    learning_rate: float = option(
        1e-3, "At the start.", low=1e-12, high=float("inf"), search=Range(1e-4, 3e-3, log=True)
    )
    optimizer: Optimizer = option("adam", "What follows the gradients.", search=("adam", "adamw"))
    weight_decay: float = option(
        0.0, "Shrinks weights at each step.", search=Range(1e-6, 1e-2, log=True)
    )
    schedule: Schedule = option(
        "plateau", "Lower the rate on a plateau, along a cosine, or never.",
        search=("plateau", "cosine"),
    )  # fmt: skip
    lr_factor: float = option(0.5, "Factor on the rate at each plateau.", low=1e-3, high=1)
    lr_patience: int = option(2, "Epochs without progress that make a plateau.", low=1)
    patience: int = option(
        5, "Stop after so many epochs without progress; 0: never, and use the last epoch."
    )
    average: float = option(
        0.0, "Use the weights' running mean, over about 1/(1 - this) steps.", high=0.9999
    )
    loss: Loss = option(
        "cross_entropy", "What is minimised; weighted: rare grades count more.",
        search=get_args(Loss),
    )  # fmt: skip
    augment: float = option(
        1.0, "Strength of the changes to training images; 0 for none.", high=5,
        search=Range(0.0, 2.0),
    )  # fmt: skip
    mixup: float = option(0.0, "Share of batches that blend images.", high=1, search=Range(0, 0.5))
    cutmix: float = option(
        0.0, "Share of batches that paste a part of one image into another.", high=1,
        search=Range(0, 0.5),
    )  # fmt: skip
    views: int = option(1, "Fields, slightly shifted, whose answers are averaged.", low=1, high=9)
    precision: Precision = option("float32", "Mixed: half precision where a GPU gains by it.")
    seed: int = option(0, "The same seed gives the same network.")

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for one in dataclasses.fields(self):
            object.__setattr__(self, one.name, checked(one.name, getattr(self, one.name)))
        frozen = self.freeze or self.fine_tune_epochs > 0
        if frozen and self.weights == NO_WEIGHTS:
            raise UsageError(
                "a frozen backbone without weights knows nothing.",
                todo="Give --weights imagenet or --weights FILE.",
            )
        if self.freeze and self.fine_tune_epochs:
            raise UsageError(
                "--freeze and --fine-tune-epochs contradict each other.",
                todo="The latter freezes the backbone first, and then trains it.",
            )
        if self.freeze and self.cutmix:
            raise UsageError("--cutmix needs images, and a frozen backbone hands on features.")
        if self.mixup + self.cutmix > 1:
            raise UsageError(
                "--mixup and --cutmix are shares of the batches; they sum to 1 at most."
            )
        if self.backbone == "custom" and self.until:
            raise UsageError("--until cuts a ready-made backbone; give the custom one --blocks.")
        if self.backbone == "custom" and self.weights == IMAGENET:
            raise UsageError("the custom network has no ImageNet weights.")

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        return dataclasses.asdict(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str) -> "TrainingOptions":
        """From keys and values of a file.

        Raises:
            UsageError: A key that does not exist (the nearest is named), or a bad value.
        """
        return cls(**{check_key(key, where): value for key, value in values.items()})


FIELDS = {one.name: one for one in dataclasses.fields(TrainingOptions)}
TYPES = get_type_hints(TrainingOptions)


def check_key(key: str, where: str) -> str:
    """`key`, if there is such an option.

    Raises:
        UsageError: There is none; names the nearest.
    """
    if key not in FIELDS:
        raise UsageError(f"{where}: there is no option {key!r}.{suggest(key, FIELDS)}")
    return key


def checked(name: str, value: Any) -> Any:
    """`value` in the type of the option `name`; nodes may come as text, ``128,64``.

    Raises:
        UsageError: It is of another type, or outside of the option's limits.
    """
    kind, about = TYPES[name], FIELDS[name].metadata
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise UsageError(
                f"{name} is {value!r}.{suggest(str(value), get_args(kind))}",
                todo=f"There is: {', '.join(get_args(kind))}.",
            )
        return value
    try:
        if get_origin(kind) is tuple:
            parts = value.split(",") if isinstance(value, str) else value
            value = tuple(int(part) for part in parts)
            numbers = list(value)
        else:
            if isinstance(value, bool) != (kind is bool) or isinstance(value, str) != (kind is str):
                raise TypeError
            if kind is int and value != int(value):
                raise ValueError
            value = kind(value)
            numbers = [] if kind in (bool, str) else [value]
    except (TypeError, ValueError, OverflowError, AttributeError):
        wanted = "whole numbers" if get_origin(kind) is tuple else kind.__name__
        raise UsageError(f"{name} is {value!r}; {wanted} wanted.") from None
    if not all(about["low"] <= number <= about["high"] for number in numbers):
        raise UsageError(f"{name} is {value!r}, it can be {about['low']:g} to {about['high']:g}.")
    return value


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's table.

    Raises:
        UsageError: It cannot be read.
    """
    import tomllib  # here, since the help of all commands loads this module

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"the file cannot be read ({error}).", where=str(path)) from None


def to_toml(options: TrainingOptions) -> str:
    """The options as a file that `lss train --config` takes."""
    return "".join(f"{key} = {_toml(value)}\n" for key, value in options.to_json().items())


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return repr(value)
