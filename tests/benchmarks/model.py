"""How long the shipped model takes for five levels, against one MobileNet of 128 × 128 pixels.

    python -m tests.benchmarks.model [MODEL.onnx]

Both run in ONNX Runtime on one core, in turn. Prints milliseconds (medians) and their ratio.
Nothing here passes or fails.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from lss_cli.anatomy import Level
from lss_cli.model.find import find_model
from lss_cli.model.session import load_model
from lss_cli.model.spec import InputSpec
from lss_cli.training.backend import load_backend

ROUNDS = 50


def main() -> None:
    path = Path(sys.argv[1]) if sys.argv[1:] else find_model("default")
    model = load_model(path, threads=1)
    spec, levels = model.metadata.input, list(Level)
    random = np.random.default_rng(0)
    images, coords = random.random((5, *spec.shape), np.float32), np.full((5, 2), 0.5, np.float32)
    other = mobilenet()
    feeds = {
        "image": random.random((5, 128, 128, 3), np.float32),
        "coords": np.full((5, 2), 0.5, np.float32),
    }
    ours, theirs = medians(
        lambda: model.probabilities(images, coords, levels), lambda: other.run(["prob"], feeds)
    )
    print(f"{model.path.name}: {model.path.stat().st_size / 2**20:.1f} MiB")
    print(f"five levels {1e3 * ours:.1f} ms, MobileNet 128² {1e3 * theirs:.1f} ms")
    print(f"model / MobileNet {ours / theirs:.2f}")


def mobilenet() -> onnxruntime.InferenceSession:
    load_backend()
    from lss_cli.training.export import convert_to_onnx
    from lss_cli.training.networks import build_network
    from lss_cli.training.options import TrainingOptions

    network = build_network(
        TrainingOptions(backbone="mobilenet", weights="none"), InputSpec(size=(128, 128))
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        convert_to_onnx(network).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def medians(*runs: Callable[[], Any]) -> list[float]:
    """Seconds of each; all take their turn, so that a busy moment is shared."""
    seconds = []
    for _ in range(1 + ROUNDS):
        times = [time.perf_counter()]
        for run in runs:
            run()
            times.append(time.perf_counter())
        seconds.append(np.diff(times))
    return list(np.median(seconds[1:], axis=0))


if __name__ == "__main__":
    main()
