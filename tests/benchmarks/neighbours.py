"""How much the grades of a model change when a neighbouring slice is missing.

    lss prepare CROPS.csv --out prepared --mirror --level --split 100:0
    python -m tests.benchmarks.neighbours prepared [MODEL.onnx]

Each neighbour is hidden in the prepared inputs, and something stands in for it. Nothing here passes
or fails.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lss_cli.anatomy import Level
from lss_cli.dataset.prepared import Prepared
from lss_cli.model.find import find_model, models_folder
from lss_cli.model.session import load_model
from lss_cli.slices import Float32Array

HEAD, MIDDLE, FEET = 0, 1, 2


def main() -> None:
    data = Prepared.open(Path(sys.argv[1]))
    model = load_model(find_model(sys.argv[2] if sys.argv[2:] else "default", models_folder()))
    positions = data.index["position"].to_numpy()
    images = np.asarray(data.images[positions], np.float32)
    coords = np.asarray(data.coords[positions], np.float32)
    levels = [Level(level) for level in data.index["level"]]

    def grade(changed: Float32Array) -> np.ndarray:
        return model.probabilities(changed, coords, levels).argmax(axis=1)

    before, labels = grade(images), data.severities
    print(f"{len(images)} inputs")
    for name, changed in changes(images):
        after = grade(changed)
        steps = np.abs(before - after)
        print(
            f"{name:32} another grade {(steps > 0).mean():.1%}, two off {(steps > 1).mean():.2%}  "
            f"accuracy {(before == labels).mean():.3f} -> {(after == labels).mean():.3f}"
        )


def changes(images: Float32Array) -> Iterator[tuple[str, Float32Array]]:
    """What stands in for what."""
    middle = images[..., MIDDLE]
    for side, name, other in ((HEAD, "head side", FEET), (FEET, "feet side", HEAD)):
        stand_ins = {
            "zeros": np.zeros_like(middle),
            "the middle": middle,
            "the other neighbour": images[..., other],
            "the mean of the other two": (middle + images[..., other]) / 2,
        }
        for what, stand_in in stand_ins.items():
            changed = images.copy()
            changed[..., side] = stand_in
            yield f"{name}: {what}", changed
    yield "both: the middle", np.repeat(middle[..., None], 3, axis=-1)


if __name__ == "__main__":
    main()
