"""How to train: one table of options, from which command line, TOML files and tuning derive.

To add an option, add a field to `TrainingOptions`: its type, default, help and limits make the
option of `lss train`, the key of ``--config`` and, where it has a range to search, the dimension of
`lss tune`.
"""

# ruff: noqa: RUF009 - `option` makes a field, as `dataclasses.field` does
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

from lss_cli.errors import UsageError
from lss_cli.options import OptionSet, Range, option

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
# As they are, or one of those of `lss prepare`.
Strategy = Literal["prepared", "random", "stratified", "equal-train"]

NO_WEIGHTS, IMAGENET, AUTO = "none", "imagenet", "auto"


def _split_nodes(value: Any) -> Any:
    """Nodes may come as text, ``128,64``, and as a list."""
    if isinstance(value, str):
        return tuple(int(part) for part in value.split(","))
    return tuple(value) if isinstance(value, list) else value


# Of layers, one after the other.
Nodes = Annotated[tuple[int, ...], BeforeValidator(_split_nodes)]


@dataclass(frozen=True)
class TrainingOptions(OptionSet):
    """How to train; each field's help says what it is.

    Raises:
        UsageError: A value that cannot be, or values that do not go together.
    """

    backbone: Backbone = option("custom", "Image part of the network.")
    weights: str = option(
        AUTO,
        "Start of the backbone: none, imagenet or a weights file. Auto: imagenet for ready-made "
        "networks where it can be had.",
        metavar="auto|none|imagenet|FILE",
    )
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
    dense: Nodes = option(
        (128, 64),
        "Nodes of the dense layers.",
        low=1,
        metavar="N,N…",
        search=((64,), (128, 64), (256, 128)),
    )
    coordinates: Nodes = option(
        (2, 4, 2),
        "Nodes of the layers on the point.",
        low=1,
        metavar="N,N…",
        search=((2, 4, 2), (8, 8)),
    )
    activation: Activation = option(
        "relu", "Of the custom network's layers and the head's.", search=get_args(Activation)
    )
    dropout: float = option(
        0.0, "Share of features left out while training.", high=0.95, search=Range(0.0, 0.6)
    )
    epochs: int = option(
        10, "The most there will be; with fine-tuning, of the head.", low=1, search=(10, 12, 16)
    )
    batch_size: int = option(32, "Rows per step.", low=1, search=(16, 32, 64, 100))
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
    strategy: Strategy = option(
        "prepared",
        "Deal training and validation anew; the test part stays.",
        search=("random", "stratified", "equal-train"),
    )
    precision: Precision = option("float32", "Mixed: half precision where a GPU gains by it.")
    seed: int = option(0, "The same seed gives the same network.")

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        frozen = self.freeze or self.fine_tune_epochs > 0
        if frozen and self.start == NO_WEIGHTS:
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

    @property
    def start(self) -> str:
        """What `weights` stands for: ``none``, ``imagenet`` or a file."""
        if self.weights != AUTO:
            return self.weights
        return NO_WEIGHTS if self.backbone == "custom" else IMAGENET
