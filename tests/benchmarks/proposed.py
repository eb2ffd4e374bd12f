"""What grading loses at proposed points: the same pictures, out of fold, at both kinds of points.

    lss train-locator axial CROPS.csv --out axial.onnx --predictions recesses.csv
    python -m tests.benchmarks.proposed move CROPS.csv recesses.csv moved.csv
    lss prepare CROPS.csv --mirror --level --split 100:0 --folds 5 --out labelled
    lss prepare moved.csv --mirror --level --split 100:0 --folds 5 --out proposed
    lss train --data labelled --folds --patience 0 --out runs/folds
    python -m tests.benchmarks.proposed grade labelled proposed runs/folds OUT
    lss compare OUT/*.csv --split validation

A table may name images below its own folder alone: moved.csv lies beside the folder of the images,
or of a copy of it.

The proposals are those of networks that had not seen the study, and so are the grades. A slice
beside the labelled one is imitated by the neighbour in its place; what lies beyond it is not in the
pictures, and the neighbour stands in for that too. Nothing here passes or fails.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.folds import fold_names, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.sources.image_table import NOMINAL_WIDTH_MM
from lss_cli.dataset.split import VALIDATION
from lss_cli.evaluation.predictions import PROBABILITIES, write_predictions
from lss_cli.rule import LIKELIEST
from lss_cli.slices import Float32Array

BATCH = 64
RESAMPLES = 1000

Change = Callable[[Float32Array], Float32Array]


def move(table: Path, predictions: Path, out: Path) -> None:
    """Write the image table with each point where the network of another fold found it."""
    crops = pd.read_csv(table, dtype={"study_id": str, "series_id": str})
    found = pd.read_csv(predictions)
    found.index = pd.MultiIndex.from_frame(found[["picture", "level", "landmark"]])
    mm = NOMINAL_WIDTH_MM / crops["full_width"]
    rows = []
    for index, row in crops.iterrows():
        picture = f"{row['study_id']} {row['series_id']} {row['instance_number']}"
        key = (picture, str(Level.parse(row["level"])), str(Condition.parse(row["condition"]).side))
        if key in found.index:
            place = found.loc[key]
            crops.loc[index, "x"] += (place["found_x"] - place["x"]) / mm[index]
            crops.loc[index, "y"] += (place["found_y"] - place["y"]) / mm[index]
            rows.append(index)
    moved = crops.loc[rows]
    moved.to_csv(out, index=False)
    print(f"{len(moved)} of {len(crops)} points moved")


def by_row(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("row_id")


def grade(labelled: Prepared, proposed: Prepared, folds: Path, out: Path) -> None:
    from lss_cli.training.backend import load_backend

    load_backend()
    from lss_cli.training.ensemble import FOLDER
    from lss_cli.training.run import Run

    parts: dict[str, list[pd.DataFrame]] = {}
    names = set(labelled.index["row_id"]) & set(proposed.index["row_id"])
    for fold in fold_names(labelled):
        run = Run.open(folds / f"{FOLDER}{fold}")
        held_out = fold_of(labelled, fold)
        studies = set(held_out.index["study_id"].iloc[held_out.rows(VALIDATION)])
        ways: dict[str, tuple[Prepared, Change]] = {
            "labelled": (labelled, lambda images: images),
            "proposed": (proposed, lambda images: images),
            "slice-towards-head": (labelled, lambda images: images[..., [0, 0, 1]]),
            "slice-towards-feet": (labelled, lambda images: images[..., [1, 2, 2]]),
            "proposed-towards-head": (proposed, lambda images: images[..., [0, 0, 1]]),
            "proposed-towards-feet": (proposed, lambda images: images[..., [1, 2, 2]]),
        }
        for way, (data, change) in ways.items():
            index = data.index
            chosen = index["study_id"].isin(studies) & index["row_id"].isin(names)
            rows = np.flatnonzero(chosen.to_numpy())
            prob = []
            for start in range(0, len(rows), BATCH):
                image, *rest = data.inputs(rows[start : start + BATCH]).values()
                prob.append(run.network.predict_on_batch([change(image), *rest]))
            table = index.iloc[rows].reset_index(drop=True).assign(split=VALIDATION)
            columns = dict(zip(PROBABILITIES, np.concatenate(prob).T, strict=True))
            parts.setdefault(way, []).append(table.assign(**columns))
    out.mkdir(parents=True, exist_ok=True)
    first = LIKELIEST.choose(by_row(pd.concat(parts["labelled"]))[PROBABILITIES])
    order = by_row(pd.concat(parts["labelled"])).index
    for way, tables in parts.items():
        table = pd.concat(tables, ignore_index=True)
        write_predictions(out / f"{way}.csv", table, table[PROBABILITIES].to_numpy())
        rows_now = by_row(table).loc[order]
        steps = np.abs(LIKELIEST.choose(rows_now[PROBABILITIES]) - first)
        low, high = interval(steps > 0, rows_now["study_id"])
        print(
            f"{way:24} another grade {(steps > 0).mean():.1%} [{low:.1%}, {high:.1%}], "
            f"two off {(steps > 1).mean():.2%}"
        )


def interval(changed: npt.NDArray[np.bool_], studies: pd.Series) -> tuple[float, float]:
    """The 95 % interval of a share, from resampled studies."""
    _, own = np.unique(studies, return_inverse=True)
    each, share = np.bincount(own), np.bincount(own, changed)
    draws = np.random.default_rng(0).integers(0, len(each), (RESAMPLES, len(each)))
    low, high = np.quantile(share[draws].sum(axis=1) / each[draws].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[2:]]
    if sys.argv[1] == "move":
        move(*paths)
    else:
        grade(Prepared.open(paths[0]), Prepared.open(paths[1]), paths[2], paths[3])
