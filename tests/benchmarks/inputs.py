"""What the point and the level give beside the image: the same training with and without each.

    lss prepare CROPS.csv --mirror --size 60,50 --level --split 100:0 --folds 5 --out prepared
    python -m tests.benchmarks.inputs prepared OUT
    lss compare OUT/*.csv --split validation

For each way, all folds are trained, and what they say of the studies that they never saw becomes a
table of predictions. What is there already is not trained again. Nothing here passes or fails.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from lss_cli.dataset.folds import fold_names, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import VALIDATION
from lss_cli.evaluation.predictions import PROBABILITIES, write_predictions
from lss_cli.training.backend import load_backend

load_backend()
import keras  # noqa: E402

from lss_cli.training.batches import reader  # noqa: E402
from lss_cli.training.checkpoint import values_of  # noqa: E402
from lss_cli.training.fit import Training  # noqa: E402
from lss_cli.training.networks import STANDARDISED_COORDS  # noqa: E402
from lss_cli.training.options import TrainingOptions  # noqa: E402
from lss_cli.training.scores import predict  # noqa: E402

# What the network is given: the point, the level.
WAYS = {
    "point-and-level": (True, True),
    "point": (True, False),
    "level": (False, True),
    "image-alone": (False, False),
}
# The last epoch is used, so that nothing is chosen by the fold that is measured.
OPTIONS = TrainingOptions(patience=0, epochs=10, schedule="cosine")


def out_of_fold(data: Prepared, fold: str, *, point: bool, level: bool) -> pd.DataFrame:
    """Train one fold, and say what it answers to its held-out rows."""
    keras.backend.clear_session()
    held_out = fold_of(data, fold)
    held_out = replace(held_out, spec=replace(held_out.spec, level=level))
    training = Training(held_out, OPTIONS, lambda _: None)
    if not point:
        # Every point becomes 0, the middle.
        layer = training.network.get_layer(STANDARDISED_COORDS)
        layer.set_weights([np.zeros_like(weights) for weights in layer.get_weights()])
        training.best = values_of(training.network.variables)
    network = training.run()
    rows = held_out.rows(VALIDATION)
    prob = predict(network, reader(held_out), rows, OPTIONS.batch_size)
    columns = dict(zip(PROBABILITIES, prob.T, strict=True))
    return held_out.index.iloc[rows].reset_index(drop=True).assign(**columns)


def main() -> None:
    data, out = Prepared.open(Path(sys.argv[1])), Path(sys.argv[2])
    for name, (point, level) in WAYS.items():
        tables = []
        for fold in fold_names(data):
            kept = out / "folds" / f"{name}-{fold}.csv"
            if not kept.is_file():
                kept.parent.mkdir(parents=True, exist_ok=True)
                out_of_fold(data, fold, point=point, level=level).to_csv(kept, index=False)
            tables.append(pd.read_csv(kept, dtype=dict.fromkeys(["study_id", "fold"], str)))
        table = pd.concat(tables, ignore_index=True)
        write_predictions(out / f"{name}.csv", table, table[PROBABILITIES].to_numpy())
        print(name)


if __name__ == "__main__":
    main()
