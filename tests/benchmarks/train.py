"""What a training step's time goes into, and what the cache saves.

Run it on a quiet machine: python -m tests.benchmarks.train [BACKBONE…]
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.phantom.dataset import write_phantoms
from lss_cli.training.backend import load_backend

if TYPE_CHECKING:
    from lss_cli.training.batches import Reader, Rows

STUDIES, ROUNDS = 40, 5


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def reading(read: "Reader", rows: "Rows") -> float:
    """Milliseconds per image of reading all batches; the fastest round counts."""
    from lss_cli.training.batches import read_in_order

    rounds = [seconds(lambda: list(read_in_order(read, rows, 32))) for _ in range(ROUNDS + 1)]
    return min(rounds) * 1000 / len(rows)


def step_shares(data: Prepared, backbone: str) -> tuple[float, float]:
    """Milliseconds per image of the network alone, and of whole epochs.

    Both are timed in turn, and the fastest rounds count: others use the machine as well.
    """
    import tensorflow

    from lss_cli.training.batches import (
        TrainingBatches,
        augmented_reader,
        one_hot_labels,
        reader,
    )
    from lss_cli.training.fit import build_optimizer
    from lss_cli.training.losses import class_weights, loss_function
    from lss_cli.training.networks import build_network
    from lss_cli.training.options import TrainingOptions

    # As in a training.
    tensorflow.config.experimental.enable_op_determinism()
    options, rows, targets = (
        TrainingOptions(backbone=backbone, weights="none"),
        data.rows("train"),
        one_hot_labels(data),
    )
    network = build_network(options, data.spec)
    weights = class_weights(options, data.severities)
    network.compile(build_optimizer(options, 1e-3), loss_function(options, weights))
    plain = TrainingBatches(reader(data), targets, rows, options)
    ready = [plain[number] for number in range(len(plain))]
    read = augmented_reader(data, options.augment, options.seed)
    batches = TrainingBatches(read, targets, rows, options)

    def alone() -> None:
        for batch in ready:
            network.train_on_batch(*batch)

    def whole() -> None:
        network.fit(batches, epochs=1, shuffle=False, verbose=0)

    alone()
    whole()
    times = [(seconds(alone), seconds(whole)) for _ in range(ROUNDS)]
    first, second = (min(rounds) * 1000 / len(rows) for rounds in zip(*times, strict=True))
    return first, second


def main(backbones: list[str]) -> None:
    from lss_cli.training.batches import augmented_reader, reader

    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "phantoms"), Path(folder, "prepared")
        write_phantoms(source, STUDIES, seed=1, sagittal=False)
        made = seconds(lambda: prepare(source, out, PrepareOptions(mirror=True)))
        data = Prepared.open(out)
        rows = data.rows("train")
        print(f"| {len(rows)} images of {data.spec.size} pixels | ms per image |")
        print("| --- | --- |")
        print(f"| made from DICOM | {made * 1000 / len(data.index):.2f} |")
        for name, read in (
            ("read", reader(data)),
            ("read and augmented", augmented_reader(data, 1.0, 0)),
        ):
            print(f"| {name} from the cache | {reading(read, rows):.2f} |")
        print("\n| backbone | network alone | whole step | share of the network |")
        print("| --- | --- | --- | --- |")
        for backbone in backbones:
            alone, whole = step_shares(data, backbone)
            print(f"| {backbone} | {alone:.2f} ms | {whole:.2f} ms | {alone / whole:.0%} |")


if __name__ == "__main__":
    load_backend()
    main(sys.argv[1:] or ["custom", "mobilenet"])
