"""How often the checks of sides and levels accuse correct points, and find wrong ones.

    python -m tests.benchmarks.checks CROPS.csv [DISCS.csv]

CROPS.csv is an image table with both recesses' points; the weights of `side_score` are fitted anew
for each fifth of its studies, on the others. DISCS.csv has boxes of discs in sagittal pictures:
image, patient, level, y0, y1, numbering. `--weights` prints the weights of all studies.
Nothing here passes or fails.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.sources.image_table import NOMINAL_WIDTH_MM
from lss_cli.grading import canal
from lss_cli.grading.checks import SEVERAL, find_gross
from lss_cli.grading.order import check_order
from lss_cli.grading.sides import Finding, check_sides, exchanged_axes_of_one_side
from lss_cli.model.find import find_model
from lss_cli.model.inputs import covered_share, model_input
from lss_cli.model.session import load_model
from lss_cli.points.point import Point
from lss_cli.slices import Slices
from lss_cli.study.geometry import Plane
from lss_cli.study.study import Located

# Distance of two discs.
DISC_MM = 35.0
SAGITTAL_MM = 0.6875
AXIAL = SimpleNamespace(
    slice=SimpleNamespace(geometry=SimpleNamespace(plane=Plane.AXIAL)),
    orient_point=lambda point: point,
)
LEFT, RIGHT = Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR
FOLDS, RIDGE = 5, 1000.0

Points = list[Located[Point]]
Check = Callable[[Sequence[Located[Point]]], list[Finding]]


def main() -> None:
    series = read_crops(Path(sys.argv[1]))
    names = sorted({points[0].point.study_id for points in series})
    print(f"{sum(map(len, series))} points of {len(series)} series of {len(names)} studies")
    if "--weights" in sys.argv:
        print(fit_weights(series).round(2).tolist())
    shipped, results = canal.SIDE_WEIGHTS, {}
    for fold in range(FOLDS):
        held_out = set(names[fold::FOLDS])
        own = [points for points in series if points[0].point.study_id in held_out]
        canal.SIDE_WEIGHTS = fit_weights(points for points in series if points not in own)
        for name, outcomes in measure_sides(own).items():
            results.setdefault(name, []).extend(outcomes)
    canal.SIDE_WEIGHTS = shipped
    show(results)
    show(measure_refused(series))
    for name in sys.argv[2:]:
        if not name.startswith("-"):
            show(measure_order(pd.read_csv(name)))


def read_crops(table: Path) -> list[Points]:
    """The points of each series, with the images around them; the nearest slice of each level.

    The table does not say how two series of a study lie to each other, so each is one by itself.
    """
    rows = pd.read_csv(table, dtype={"study_id": str})
    rows["off"] = (rows["instance_number"] - rows["annotated_instance"]).abs()
    rows = rows.sort_values("off", kind="stable")
    rows = rows.drop_duplicates(["series_id", "condition", "level"])
    return [
        [_located(row, table.parent) for row in points.itertuples()]
        for _, points in rows.groupby("series_id")
    ]


def _located(row: Any, folder: Path) -> Located[Point]:
    pixels = np.asarray(Image.open(folder / row.image), np.float32).transpose(2, 0, 1)
    mm = NOMINAL_WIDTH_MM / row.full_width
    x, y = row.x + row.origin_x, row.y + row.origin_y
    slices = Slices(
        pixels=pixels,
        spacing_mm=(mm, mm),
        full_size=(int(row.full_width), int(row.full_height)),
        origin=(int(row.origin_x), int(row.origin_y)),
    )
    point = Point(
        row.study_id,
        str(row.series_id),
        int(row.instance_number),
        Condition.parse(row.condition),
        Level.parse(row.level),
        x,
        y,
    )
    position = np.array([x * mm, y * mm, -DISC_MM * point.level.ordinal])
    return Located(point, AXIAL, slices, (x, y), position)


def fit_weights(series: Iterable[Points]) -> np.ndarray:
    """Ridge regression of the side on the differences between both halves."""
    differences, sides = [], []
    for located in (located for points in series for located in points):
        slices = located.slices
        pixel = tuple(np.subtract(located.pixel, slices.origin))
        cells = canal.cells_around(slices.pixels[1], slices.spacing_mm, pixel)
        differences.append((cells - cells[:, ::-1])[:, : canal.CELLS // 2].ravel())
        sides.append(canal.sign_of(located))
    x, y = np.array(differences, float), np.array(sides, float)
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)
    return weights.reshape(canal.CELLS, -1).astype(np.float32)


def measure_sides(series: Iterable[Points]) -> dict[str, list[bool]]:
    """Of correct points, whether each is accused; of slips, whether each is found."""
    results: dict[str, list[bool]] = {}

    def accused(name: str, points: Points) -> None:
        blamed = _blamed(check_sides, points)
        results.setdefault(f"accused: {name}", []).extend(id(at) in blamed for at in points)

    def found(name: str, points: Points, wrong: Points) -> None:
        blamed = _blamed(check_sides, points)
        results.setdefault(f"found: {name}", []).append(all(id(at) in blamed for at in wrong))

    for points in series:
        accused("both sides set", points)
        exchanged = [_named(at, at.point.condition.mirrored) for at in points]
        if len({at.point.condition for at in points}) == 2:
            pairs = [at for at in exchanged if _partner(at, exchanged)]
            found("all sides exchanged", exchanged, pairs)
        for one in points:
            partner = _partner(one, points)
            accused("a single point", [one])
            if partner is None:
                continue
            wrong = _named(partner, one.point.condition)
            found("a single point on the other side", [wrong], [wrong])
            found("a point on that of the other side", _swap(points, one, wrong), [wrong])
            if one.point.condition is LEFT:
                both = [_named(at, at.point.condition.mirrored) for at in (one, partner)]
                rest = [at for at in points if at not in (one, partner)]
                found("the sides of one level exchanged", [*rest, *both], both)
        for condition in (LEFT, RIGHT):
            own = [at for at in points if at.point.condition is condition]
            if len(own) < 3:
                continue
            accused("one side set, three levels or more", own)
            pieces = exchanged_axes_of_one_side(own)
            results.setdefault("accused: one side set, x and y", []).append(pieces > 0)
            results.setdefault("refused: one side set, x and y", []).append(pieces > 1)
            turned = [_turned(at) for at in own]
            if all(_inside(at) for at in turned):
                pieces = exchanged_axes_of_one_side(turned)
                results.setdefault("found: one side set, x and y", []).append(pieces > 0)
                results.setdefault("found: one side set, x and y, refused", []).append(pieces > 1)
            mirrored = [_named(at, condition.mirrored) for at in own]
            found("one side set, all on the other side", mirrored, mirrored)
            for one in own:
                if partner := _partner(one, points):
                    wrong = _named(partner, condition)
                    found("one side set, one on the other side", _swap(own, one, wrong), [wrong])
    return results


def measure_refused(series: Iterable[Points]) -> dict[str, list[bool]]:
    """Of correct points, whether each is refused; the shipped model has seen these images."""
    model = load_model(find_model("default"))
    spec, known = model.metadata.input, model.metadata.ood
    refused = []
    for points in series:
        images = []
        # Three points lie outside their cut-out.
        inside = [at for at in points if covered_share(at.slices, at.pixel, spec, side=None)]
        for located in inside:
            pixel, side = located.pixel, located.point.condition.side
            mirror = model.metadata.mirrors(located.point.condition)
            images.append(model_input(located.slices, pixel, spec, side=side, mirror=mirror)[0])
        unfamiliar = [bool(score > 1) for score in known.score(np.stack(images))]
        evidence = find_gross(inside, unfamiliar, spec)
        refused += [len(texts) >= SEVERAL for texts in evidence]
    return {"refused: both sides set": refused}


def measure_order(discs: pd.DataFrame) -> dict[str, list[bool]]:
    """The same of levels, on the heights of discs."""
    discs = discs[discs["numbering"] == "agreed"]
    results: dict[str, list[bool]] = {}
    for _, patient in discs.groupby("patient"):
        if len(patient) < len(Level):
            continue
        height = -SAGITTAL_MM * (patient["y0"] + patient["y1"]).to_numpy() / 2
        level = [Level.parse(name).ordinal for name in patient["level"]]
        heights = dict(zip(level, height, strict=True))
        right = {ordinal: ordinal for ordinal in range(5)}
        slips: dict[str, dict[int, int]] = {
            "accused: five correct levels": right,
            "accused: three correct levels, two left out": {0: 0, 2: 2, 4: 4},
            "found: two levels exchanged": {**right, 1: 2, 2: 1},
            "found: order reversed": {ordinal: 4 - ordinal for ordinal in range(5)},
            "found: a point in the next lower disc": {**right, 2: 3},
            "found: L4/L5 called L5/S1 beside L3/L4, no other L4/L5": {0: 0, 1: 1, 2: 2, 4: 3},
            "found: a disc left out, all below called one too high": {0: 0, 1: 1, 2: 3, 3: 4},
        }
        for name, discs_of in slips.items():
            points = [_at_height(list(Level)[to], heights[of]) for to, of in discs_of.items()]
            results.setdefault(name, []).append(bool(check_order(points)))
    return results


def _at_height(level: Level, height: float) -> Located[Point]:
    point = Point("", "", 1, LEFT, level, 0.0, 0.0)
    position = np.array([0.0, 0.0, height])
    return Located(point, SimpleNamespace(), SimpleNamespace(), (0.0, 0.0), position)


def _blamed(check: Check, points: Points) -> set[int]:
    return {id(at) for finding in check(points) for at in finding.points}


def _named(located: Located[Point], condition: Condition) -> Located[Point]:
    return replace(located, point=replace(located.point, condition=condition))


def _turned(located: Located[Point]) -> Located[Point]:
    """With x and y exchanged."""
    x, y = located.pixel
    return replace(located, pixel=(y, x), point=replace(located.point, x=y, y=x))


def _inside(located: Located[Point]) -> bool:
    """Whether most of what is looked at lies in the cut-out."""
    height, width = located.slices.pixels.shape[1:]
    x, y = np.subtract(located.pixel, located.slices.origin)
    reach = 8 / located.slices.spacing_mm[0]
    return reach <= x <= width - reach and reach <= y <= height - reach


def _partner(located: Located[Point], points: Points) -> Located[Point] | None:
    wanted = located.point.condition.mirrored, located.point.level
    return next((at for at in points if (at.point.condition, at.point.level) == wanted), None)


def _swap(points: Points, old: Located[Point], new: Located[Point]) -> Points:
    return [new if at is old else at for at in points]


def show(results: dict[str, list[bool]]) -> None:
    for name, outcomes in sorted(results.items()):
        print(f"{name:58} {sum(outcomes):5} of {len(outcomes):5}  {np.mean(outcomes):7.2%}")


if __name__ == "__main__":
    main()
