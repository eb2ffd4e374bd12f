"""How much the grades of a model change when a neighbouring slice is missing.

    lss prepare CROPS.csv --out prepared --mirror --level --split 100:0
    python -m tests.benchmarks.neighbours prepared [MODEL.onnx [SPLIT]]

Each neighbour is hidden in the prepared inputs, and something stands in for it. Nothing here passes
or fails.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lss_cli.anatomy import Level
from lss_cli.dataset.prepared import Prepared
from lss_cli.model.find import find_model, models_folder
from lss_cli.model.session import load_model
from lss_cli.slices import Float32Array

HEAD, MIDDLE, FEET = 0, 1, 2
BATCH = 64

Change = Callable[[Float32Array], Float32Array]


def put(images: Float32Array, side: int, stand_in: Float32Array | float) -> Float32Array:
    changed = images.copy()
    changed[..., side] = stand_in
    return changed


def stand_ins(side: int, other: int) -> dict[str, Change]:
    """What stands in for the neighbour on one side."""
    return {
        "zeros": lambda images: put(images, side, 0),
        "the middle": lambda images: put(images, side, images[..., MIDDLE]),
        "the other neighbour": lambda images: put(images, side, images[..., other]),
        "the mean of the other two": lambda images: put(
            images, side, (images[..., MIDDLE] + images[..., other]) / 2
        ),
    }


CHANGES: dict[str, Change] = {
    **{f"head side: {what}": change for what, change in stand_ins(HEAD, FEET).items()},
    **{f"feet side: {what}": change for what, change in stand_ins(FEET, HEAD).items()},
    "both: the middle": lambda images: images[..., [MIDDLE] * 3],
}


def main() -> None:
    data = Prepared.open(Path(sys.argv[1]))
    model = load_model(find_model(sys.argv[2] if sys.argv[2:] else "default", models_folder()))
    rows = data.rows(sys.argv[3]) if sys.argv[3:] else np.arange(len(data.index))
    images, coords, *_ = data.inputs(rows).values()
    levels = [Level(level) for level in data.index["level"].iloc[rows]]

    def grade(change: Change) -> np.ndarray:
        prob = [
            model.probabilities(change(images[part]), coords[part], levels[part])
            for part in (slice(start, start + BATCH) for start in range(0, len(images), BATCH))
        ]
        return model.metadata.rule.choose(np.concatenate(prob))

    before, labels = grade(lambda images: images), data.severities[rows]
    print(f"{len(images)} inputs")
    for name, change in CHANGES.items():
        after = grade(change)
        steps = np.abs(before - after)
        print(
            f"{name:32} another grade {(steps > 0).mean():.1%}, two off {(steps > 1).mean():.2%}  "
            f"accuracy {(before == labels).mean():.3f} -> {(after == labels).mean():.3f}"
        )


if __name__ == "__main__":
    main()
