"""What trained networks say of pictures whose landmarks are known, and how good that is."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.evaluation.bootstrap import Estimate
from lss_cli.locate.chain import choose_chain
from lss_cli.locate.discs import find_candidates
from lss_cli.locate.metadata import Kind, LocatorMetadata
from lss_cli.locate.model import cut_window, read_peaks, to_picture
from lss_cli.slices import Float32Array
from lss_cli.training.locator.augment import move_window
from lss_cli.training.locator.pictures import Picture

# Half the distance of two discs: what is farther off is another one.
ANOTHER_LEVEL_MM = 15.0
FARTHEST_MM = 500.0
RESAMPLES = 1000
BATCH = 16
# Upper ends of the ranges of confidence that a table of reliability has.
CONFIDENCES = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
# What must not be used unseen: another level's disc, or another place than the recess.
WRONG_MM: dict[Kind, float] = {"sagittal": ANOTHER_LEVEL_MM, "axial": 8.0}
# Wrong answers are few, and the next may be surer: none below this is used unseen.
LEAST_SURE, MOST_SURE = 0.9, 0.995

Heatmaps = Callable[[Float32Array], Float32Array]


def ask(
    heatmaps: Heatmaps, pictures: Sequence[Picture], metadata: LocatorMetadata, *, fold: str = ""
) -> pd.DataFrame:
    """Ask a network for the landmarks of pictures, as `lss locate` does.

    Sagittal windows lie in the middle of the picture. Axial ones lie at random, and so does what
    they show of a cut-out (`augment.move_window`), always the same for one picture. Maps are means
    over a slice and its neighbours.

    Args:
        heatmaps: Of windows, N × H × W.
        pictures: Those to be asked for, and neighbours of them (`Picture.offset`); landmarks that
            are not known are left out.
        metadata: Of the network.
        fold: What the column ``fold`` is to say.

    Returns:
        A row per picture that is no neighbour, and landmark: fold, patient, picture, level,
        landmark, x, y (truth, in mm from the picture's first pixel), found_x, found_y, error_mm,
        confidence, trusted.
    """
    rows: list[dict[str, Any]] = []
    stacks = _stacks(pictures)
    for start in range(0, len(stacks), BATCH):
        some = [
            [_place(picture, metadata.kind) for picture in stack]
            for stack in stacks[start : start + BATCH]
        ]
        windows = [
            cut_window(picture.pixels, picture.spacing_mm, centre, metadata.window)
            for stack in some
            for picture, centre in stack
        ]
        asked = iter(np.asarray(heatmaps(np.stack(windows))))
        for stack in some:
            maps = np.mean([next(asked) for _ in stack], axis=0)
            picture, centre = stack[0]
            places, confidence = read_maps(maps, metadata)
            found = to_picture(places, picture.spacing_mm, centre, metadata.window)
            spacing = np.array(picture.spacing_mm)
            found_mm, true_mm = found * spacing, picture.points * spacing
            for index, landmark in enumerate(metadata.landmarks):
                if not np.isfinite(true_mm[index]).all():
                    continue
                rows.append(
                    {
                        "fold": fold,
                        "patient": picture.patient,
                        "picture": picture.name,
                        "level": picture.level or landmark,
                        "landmark": landmark,
                        "x": true_mm[index, 0],
                        "y": true_mm[index, 1],
                        "found_x": found_mm[index, 0],
                        "found_y": found_mm[index, 1],
                        "error_mm": float(np.linalg.norm(found_mm[index] - true_mm[index])),
                        "confidence": float(confidence[index]),
                        "trusted": picture.trusted,
                    }
                )
    return pd.DataFrame(rows)


def _stacks(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """Each picture whose landmarks are marked, followed by its neighbours."""
    stacks: dict[tuple[str, str, str], list[Picture]] = {}
    for picture in sorted(pictures, key=lambda picture: abs(picture.offset)):
        key = (picture.patient, picture.name, picture.level)
        if picture.offset == 0:
            stacks[key] = [picture]
        elif key in stacks:
            stacks[key].append(picture)
    return list(stacks.values())


def _place(picture: Picture, kind: Kind) -> tuple[Picture, tuple[float, float]]:
    """The picture as it is to be shown, and the middle of the window."""
    return (picture, picture.centre) if kind == "sagittal" else move_window(picture)


def read_maps(
    maps: Float32Array, metadata: LocatorMetadata
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Places in the window, and confidences, of the landmarks of one window.

    Args:
        maps: Rows × columns × landmarks.
        metadata: Of the network.

    Returns:
        Landmarks × 2, column and row, NaN where there is none; landmarks.
    """
    if metadata.kind == "axial":
        peaks = read_peaks(maps[None], metadata)
        return peaks.positions[0], peaks.confidence[0]
    candidates = find_candidates(maps[None], metadata)
    places = np.full((len(candidates), 2), np.nan)
    confidence = np.zeros(len(candidates))
    for index, chosen in enumerate(choose_chain(candidates).chosen):
        if chosen is not None:
            places[index] = candidates[index].positions[chosen] / metadata.window.pixel_mm
            confidence[index] = candidates[index].confidence[chosen]
    return places, confidence


def measure(table: pd.DataFrame, within_mm: float, *, seed: int = 0) -> dict[str, Any]:
    """Figures of answers, with 95 % intervals by a bootstrap over patients.

    Args:
        table: As `ask` gives it.
        within_mm: What counts as right.
        seed: Of the resamples.

    Returns:
        For all rows together, and under ``levels`` by level: counts and estimates.
    """
    pictures = table.groupby("picture").agg(patient=("patient", "first"))
    pictures["error_mm"] = _errors(table).groupby(table["picture"]).max()
    return {
        "patients": int(table["patient"].nunique()),
        "pictures": len(pictures),
        "pictures_right": _estimate(pictures, _share_up_to(within_mm), seed),
        **_measure_landmarks(table, within_mm, seed),
        "levels": {
            str(level): _measure_landmarks(rows, within_mm, seed)
            for level, rows in table.groupby("level")
        },
        "reliability": reliability(table, within_mm),
    }


def summarise(table: pd.DataFrame, metadata: LocatorMetadata) -> dict[str, float]:
    """The main figures of answers, without intervals.

    Args:
        table: As `ask` gives it.
        metadata: Of the network.

    Returns:
        Counts; shares that are right, sure, and sure though wrong; median and 95 % error in mm.
    """
    errors = np.asarray(_errors(table), dtype=np.float64)
    sure = np.asarray(is_sure(table, metadata.kind, metadata.sure))
    return {
        "patients": int(table["patient"].nunique()),
        "landmarks": len(table),
        "right": round(float((errors <= metadata.within_mm).mean()), 4),
        "median_mm": round(float(np.median(errors)), 2),
        "p95_mm": round(float(np.percentile(errors, 95)), 2),
        "sure": round(float(sure.mean()), 4),
        "sure_but_wrong": int((sure & (errors >= WRONG_MM[metadata.kind])).sum()),
    }


# Of N values, once for each of R × N weights.
Statistic = Callable[[npt.NDArray[np.float64], npt.NDArray[np.int64]], npt.NDArray[np.float64]]


def _measure_landmarks(table: pd.DataFrame, within_mm: float, seed: int) -> dict[str, Any]:
    right, near = _share_up_to(within_mm), _share_up_to(ANOTHER_LEVEL_MM)
    return {
        "landmarks": len(table),
        "right": _estimate(table, right, seed),
        "another_level": _estimate(table, lambda *rows: 1 - near(*rows), seed),
        "median_mm": _estimate(table, _percentile(50), seed),
        "p95_mm": _estimate(table, _percentile(95), seed),
    }


def _share_up_to(limit: float) -> Statistic:
    return lambda values, weights: np.asarray(weights @ (values <= limit) / weights.sum(axis=1))


def _percentile(percent: float) -> Statistic:
    def compute(
        values: npt.NDArray[np.float64], weights: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        order = values.argsort()
        below = weights[:, order].cumsum(axis=1)
        return np.asarray(values[order][(below < percent / 100 * below[:, -1:]).sum(axis=1)])

    return compute


def _errors(rows: pd.DataFrame) -> "pd.Series[float]":
    """A landmark that was not found is as far as can be."""
    return rows["error_mm"].fillna(FARTHEST_MM)


def _estimate(table: pd.DataFrame, statistic: Statistic, seed: int) -> dict[str, float | None]:
    codes, patients = pd.factorize(table["patient"])
    count = len(patients)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    errors = np.asarray(_errors(table), dtype=np.float64)
    value = float(statistic(errors, np.ones((1, len(errors)), dtype=np.int64))[0])
    estimate = Estimate.of(value, statistic(errors, drawn[:, codes]))
    return {
        name: None if number is None else round(number, 4)
        for name, number in asdict(estimate).items()
    }


def reliability(table: pd.DataFrame, within_mm: float) -> list[dict[str, float]]:
    """How often answers of a range of confidence are right."""
    rows, low = [], -1.0
    for high in CONFIDENCES:
        part = table[(table["confidence"] > low) & (table["confidence"] <= high)]
        rows.append(
            {
                "up_to": high,
                "landmarks": len(part),
                "confidence": float(part["confidence"].mean()) if len(part) else 0.0,
                "right": float((_errors(part) <= within_mm).mean()) if len(part) else 0.0,
            }
        )
        low = high
    return rows


def sure_from(table: pd.DataFrame, kind: Kind) -> float:
    """The lowest confidence, in hundredths, that no wrong answer has reached.

    The discs of a picture are numbered together, so that the least confidence counts for all.

    Args:
        table: As `ask` gives it.
        kind: Of the network.
    """
    wrong = _errors(table) >= WRONG_MM[kind]
    confidence = table["confidence"]
    if kind == "sagittal":
        wrong = wrong.groupby(table["picture"]).transform("max")
        confidence = confidence.groupby(table["picture"]).transform("min")
    highest = float(confidence[wrong].max()) if wrong.any() else 0.0
    return float(np.clip((np.floor(highest * 100) + 1) / 100, LEAST_SURE, MOST_SURE))


def is_sure(table: pd.DataFrame, kind: Kind, sure: float) -> "pd.Series[bool]":
    """Which answers are used unseen; of the discs of a picture all or none."""
    confidence = table["confidence"]
    if kind == "sagittal":
        confidence = confidence.groupby(table["picture"]).transform("min")
    return confidence >= sure
