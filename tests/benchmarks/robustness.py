"""How much the answers of cross-validated networks change with the click, the slice and the scale.

    python -m tests.benchmarks.robustness CROPS.csv RUN [RUN…] [--grade-weights 1,2,4]
        [--canal-labels TRAIN.csv] [--calibration METHOD]

Each study is answered by the networks that did not train on it. The image table is prepared anew
with its points moved, with the neighbouring slice in the middle, or with another field. Nothing
here passes or fails. Of the canal, which needs its labels, outwards is to the left.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from PIL import Image

from lss_cli.anatomy import Condition
from lss_cli.dataset.prepare import PrepareOptions, prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.sources.image_table import NOMINAL_WIDTH_MM
from lss_cli.grading.inputs import CLICK_MM
from lss_cli.model.spec import InputSpec
from lss_cli.rule import CERTAIN, LIKELIEST, GradeRule
from lss_cli.training.backend import load_backend
from lss_cli.training.calibration import Calibration, Method

DIRECTIONS = {
    "outwards": (1, 0),
    "to the midline": (-1, 0),
    "to the back": (0, 1),
    "to the front": (0, -1),
}

CLICK = f"{CLICK_MM:g} mm"
SHARES = (0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.01)

Table = pd.DataFrame
Networks = Mapping[str, Sequence[Any]]
"""By fold."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--grade-weights", type=GradeRule.parse, default=LIKELIEST)
    parser.add_argument("--canal-labels", type=Path)
    parser.add_argument("--calibration", choices=get_args(Method), default="temperature")
    given = parser.parse_args()
    source, folders, rule = given.source.resolve(), given.folders, given.grade_weights
    labels = given.canal_labels
    load_backend()
    from lss_cli.training.ensemble import FOLDER, out_of_fold_of
    from lss_cli.training.run import Run, data_of

    data = data_of(json.loads((folders[0] / "config.json").read_text()))
    calibration = out_of_fold_of(folders, data, given.calibration).calibration
    networks = {
        fold.name.removeprefix(FOLDER): [Run.open(at / fold.name).network for at in folders]
        for fold in sorted(folders[0].glob(f"{FOLDER}*"))
    }
    folds = dict(zip(data.index["study_id"], data.index["fold"], strict=True))
    rows = pd.read_csv(source, dtype=str)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        # A table's images lie beside it.
        for image in set(rows["image"]):
            copy = at / image
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source.parent / image, copy)
        names = tuple(map(Condition, data.report["conditions"]))
        asked = PrepareOptions(spec=data.spec, conditions=names)
        beside: list[Table] = []
        plain = answers(rows, asked, labels, at, networks, folds, calibration)
        for name, table, spec in changes(rows, data.spec, at):
            again = replace(asked, spec=spec)
            changed = answers(table, again, labels, at, networks, folds, calibration)
            print(compared(name, plain, changed, rule))
            if name.startswith(CLICK):
                beside.append(changed)
        print(by_share(plain, beside, rule))


def answers(
    rows: Table,
    options: PrepareOptions,
    labels: Path | None,
    at: Path,
    networks: Networks,
    folds: Mapping[str, str],
    calibration: Calibration,
) -> Table:
    """Label and probabilities of each row of an image table that was asked for, by its name."""
    rows.to_csv(at / "table.csv", index=False)
    out = Path(tempfile.mkdtemp(dir=at))
    prepare(at / "table.csv", out, options, canal_labels=labels)
    data = Prepared.open(out)
    of = data.index["study_id"].map(folds).to_numpy()
    prob = np.zeros((len(data.index), 3))
    for fold, members in networks.items():
        here = np.flatnonzero(of == fold)
        inputs = list(data.inputs(here).values())
        prob[here] = np.mean([member.predict(inputs, verbose=0) for member in members], axis=0)
    answered = pd.DataFrame(calibration(prob), columns=list("abc"))
    answered = answered.assign(label=data.severities).set_index(data.index["row_id"])
    # Of studies that the runs were not trained on with the others, there is no answer.
    return answered[prob.any(axis=1)]


def changes(rows: Table, spec: InputSpec, at: Path) -> Iterator[tuple[str, Table, InputSpec]]:
    """What is tried: a name, the image table, and how it is cut."""
    pixels = rows["full_width"].astype(float) / NOMINAL_WIDTH_MM
    for mm in (int(CLICK_MM), 4):
        for name, (x, y) in DIRECTIONS.items():
            moved = {
                key: (rows[key].astype(float) + step * mm * pixels).astype(str)
                for key, step in (("x", x), ("y", y))
            }
            yield f"{mm} mm {name}", rows.assign(**moved), spec
    for name, order in (("next slice", [1, 2, 2]), ("slice before", [0, 0, 1])):
        # The slice beyond the neighbour is not in the image; the last one stands in for it.
        yield (
            name,
            rows.assign(image=[_reordered(image, order, at) for image in rows["image"]]),
            spec,
        )
    for factor in (0.8, 1.2):
        field = (factor * spec.field_mm[0], factor * spec.field_mm[1])
        scaled = replace(spec, field_mm=field, shift_mm=factor * spec.shift_mm)
        yield f"field × {factor}", rows, scaled


def compared(name: str, plain: Table, changed: Table, rule: GradeRule) -> str:
    """One line of the result."""
    both = plain.join(changed.add_suffix("_after"), how="inner")
    before, after = both[list("abc")].to_numpy(), both[["a_after", "b_after", "c_after"]].to_numpy()
    steps = np.abs(rule.choose(before) - rule.choose(after))
    move, labels = np.abs(before - after).max(axis=1), both["label"].to_numpy()
    accuracy = [(rule.choose(prob) == labels).mean() for prob in (before, after)]
    return (
        f"{name:20} n {len(both)}  another grade {(steps > 0).mean():.1%}, two off "
        f"{(steps > 1).mean():.1%}  probability moves {np.median(move):.3f}, 95 % below "
        f"{np.quantile(move, 0.95):.2f}  accuracy {accuracy[0]:.3f} -> {accuracy[1]:.3f}"
    )


def by_share(plain: Table, beside: Sequence[Table], rule: GradeRule) -> str:
    """How many grades change with any of some clicks, by their share of all that is weighed.

    Of those that are certain otherwise: of the others several grades are named anyway.
    """
    both = plain.join([table.add_suffix(f"_{at}") for at, table in enumerate(beside)], how="inner")
    prob = both[list("abc")].to_numpy()
    grades = rule.choose(prob)
    others = [
        rule.choose(both[[f"{x}_{at}" for x in "abc"]].to_numpy()) for at in range(len(beside))
    ]
    changes = (np.stack(others) != grades).any(axis=0)
    own = np.arange(len(grades)), grades
    certain, share = prob[own] >= CERTAIN, rule.weigh(prob)[own]
    parts = [certain & (low <= share) & (share < high) for low, high in pairwise(SHARES)]
    return (
        f"{CLICK} in any direction, certain grades by share of all that is weighed: "
        + ", ".join(
            f"from {low:.0%} {changes[part].sum()} of {part.sum()}"
            for low, part in zip(SHARES, parts, strict=False)
        )
    )


def _reordered(image: str, order: Sequence[int], at: Path) -> str:
    name = f"{''.join(map(str, order))}_{Path(image).name}"
    if not (at / name).exists():
        Image.fromarray(np.asarray(Image.open(at / image))[..., order]).save(at / name)
    return name


if __name__ == "__main__":
    main()
