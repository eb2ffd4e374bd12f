"""From pictures with known landmarks to a locator's file."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lss_cli.dataset.dataframes import write_table
from lss_cli.dataset.split import fold_studies
from lss_cli.errors import DataError
from lss_cli.files import check_writable
from lss_cli.locate.metadata import LANDMARKS, Kind, LocatorMetadata, WindowSpec
from lss_cli.locate.model import cut_window
from lss_cli.slices import Float32Array
from lss_cli.training.export import check_difference, convert_to_onnx, write_onnx
from lss_cli.training.graph import store_half_floats
from lss_cli.training.locator.answers import Heatmaps, ask, measure, summarise, sure_from
from lss_cli.training.locator.fit import Material, as_stranger, fit
from lss_cli.training.locator.phantoms import SEED, phantom_pictures
from lss_cli.training.locator.pictures import Picture, read_pictures
from lss_cli.training.locator.unet import STRIDES, with_maps
from lss_cli.training.locator.variants import VARIANTS
from lss_cli.versions import versions

WINDOWS: dict[Kind, WindowSpec] = {
    "sagittal": WindowSpec((192, 192), 1.375),
    "axial": WindowSpec((96, 64), 0.5),
}
# Within which a landmark counts as found.
WITHIN_MM: dict[Kind, float] = {"sagittal": 8.0, "axial": 4.0}
# Phantoms of which pictures are shown to all networks, and others that figures are measured on.
PHANTOMS: dict[Kind, int] = {"sagittal": 40, "axial": 24}
OTHER_PHANTOMS, OTHER_SEED = 12, SEED + 1
# Pictures of the training that the trained network and the file's are compared on, before and
# after its weights are stored as half floats.
COMPARED = 8
TOLERANCE, TOLERANCE_HALF = 1e-5, 1e-2

# Stands for a fold's name where there are none.
ALL = "all"

INTENDED_USE = (
    "Research and teaching: a proposal of points that a person confirms. "
    "Not a medical device, and no basis for a clinical decision."
)

# What is trained, the number of steps, those done, and the loss since the last call.
Report = Callable[[str, int, int, float], None]


def train_locator(
    kind: Kind,
    source: Path,
    out: Path,
    *,
    steps: int,
    folds: int = 0,
    predictions: Path | None = None,
    phantoms: int | None = None,
    seed: int = 0,
    name: str,
    trained_on: str,
    licence: str,
    window: WindowSpec | None = None,
    report: Report,
) -> LocatorMetadata:
    """Train networks and write their mean as a locator's file.

    With folds, each network is trained without a part of the patients, whom it is then asked for:
    this is what the figures and the lowest sure confidence are measured on.

    Args:
        kind: What it looks at.
        source: See `read_pictures`.
        out: The ``.onnx`` file.
        steps: Batches per training.
        folds: How many networks; 0 is for a single one on all patients, without figures, and
            never sure.
        predictions: Where the held-out answers go, if anywhere.
        phantoms: How many phantoms are shown as well.
        seed: What everything random follows from.
        name: A short name for people.
        trained_on: What the data are called, for people.
        licence: Under which terms the weights may be used.
        window: What the network sees; that of `WINDOWS` unless told otherwise.
        report: Told how far it is.

    Returns:
        What the file says of itself.

    Raises:
        DataError: The pictures cannot be used, or are of too few patients.
        OutputError: A file cannot be written.
        RuntimeError: The file's network differs from the trained one.
    """
    check_writable(out)
    window = window or WINDOWS[kind]
    pictures = read_pictures(kind, source)
    patients = sorted({picture.patient for picture in pictures})
    if folds > len(patients):
        raise DataError(
            f"{folds} folds want as many patients, there are {len(patients)}.", where=str(source)
        )
    phantoms = PHANTOMS[kind] if phantoms is None else phantoms
    artificial = phantom_pictures(kind, phantoms)
    other: Kind = "axial" if kind == "sagittal" else "sagittal"
    strangers = [
        as_stranger(picture, len(LANDMARKS[kind]))
        for picture in phantom_pictures(other, (phantoms + 1) // 2)
    ]
    trusted = [picture for picture in pictures if picture.trusted]

    metadata = LocatorMetadata(
        name=name,
        kind=kind,
        window=window,
        landmarks=LANDMARKS[kind],
        map_stride=STRIDES[kind],
        within_mm=WITHIN_MM[kind],
        # Without held-out answers nothing is known of confidences, and none is enough.
        sure=1.0,
        training={},
        metrics={},
        licence=licence,
        intended_use=INTENDED_USE,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        tools=versions(["tensorflow", "keras", "tf2onnx", "onnx"]),
    )
    fold_of = fold_studies(patients, folds, seed) if folds else {}
    networks: dict[str, Any] = {}
    for fold in sorted(set(fold_of.values())) or [ALL]:
        networks[fold] = fit(
            Material(
                [picture for picture in trusted if fold_of.get(picture.patient) != fold],
                artificial,
                strangers,
            ),
            kind,
            window,
            steps,
            seed + len(networks),
            report=partial(report, f"fold {fold}", steps),
        )
    metadata = replace(
        metadata,
        training={
            "summary": f"{trained_on}: {len(trusted)} pictures of "
            f"{len({picture.patient for picture in trusted})} patients",
            "pictures": len(trusted),
            "patients": len({picture.patient for picture in trusted}),
            "left_out_as_disputed": len(pictures) - len(trusted),
            "phantom_pictures": len(artificial),
            "pictures_of_the_other_plane": len(strangers),
            "steps": steps,
            "folds": folds,
            "seed": seed,
        },
    )
    return finish_locator(networks, pictures, fold_of, metadata, out, predictions=predictions)


def finish_locator(
    networks: Mapping[str, Any],
    pictures: Sequence[Picture],
    fold_of: Mapping[str, str],
    metadata: LocatorMetadata,
    out: Path,
    *,
    predictions: Path | None = None,
) -> LocatorMetadata:
    """Measure trained networks on the patients of their folds, and write their mean.

    Args:
        networks: By the fold that each was not trained on; `ALL` for one that saw everybody.
        pictures: All of them.
        fold_of: The fold of each patient.
        metadata: Without figures, and without a lowest sure confidence.
        out: The ``.onnx`` file.
        predictions: Where the held-out answers go, if anywhere.

    Returns:
        What the file says of itself.

    Raises:
        OutputError: A file cannot be written.
        RuntimeError: The file's network differs from the trained ones.
    """
    kind, within_mm = metadata.kind, metadata.within_mm
    held_out = {
        fold: [picture for picture in pictures if fold_of[picture.patient] == fold]
        for fold in networks
        if fold != ALL
    }
    metrics: dict[str, Any] = {}
    if held_out:
        heatmaps = {fold: maps_of([networks[fold]], kind) for fold in held_out}
        table = pd.concat(
            [ask(heatmaps[fold], held_out[fold], metadata, fold=fold) for fold in held_out],
            ignore_index=True,
        )
        if predictions:
            write_table(table, predictions)
        trusted = table[table["trusted"]]
        metadata = replace(metadata, sure=sure_from(trusted, kind))
        metrics["out_of_fold"] = measure(trusted, within_mm)
        if len(trusted) < len(table):
            metrics["out_of_fold_with_disputed"] = measure(table, within_mm)
        metrics["variants"] = {
            name: summarise(
                pd.concat(
                    [
                        ask(
                            heatmaps[fold],
                            [change(picture) for picture in held_out[fold] if picture.trusted],
                            metadata,
                        )
                        for fold in held_out
                    ]
                ),
                metadata,
            )
            for name, change in VARIANTS[kind].items()
        }
    if metadata.training["phantom_pictures"]:
        phantoms = phantom_pictures(kind, OTHER_PHANTOMS, OTHER_SEED)
        answered = ask(maps_of(list(networks.values()), kind), phantoms, metadata)
        metrics["phantoms"] = summarise(answered, metadata)
    metadata = replace(metadata, metrics=metrics)
    compared = [
        cut_window(picture.pixels, picture.spacing_mm, picture.centre, metadata.window)
        for picture in pictures[:COMPARED]
    ]
    export_locator(list(networks.values()), metadata, np.stack(compared), out)
    return metadata


def maps_of(networks: Sequence[Any], kind: Kind) -> Heatmaps:
    """Ask trained networks as their file is asked."""
    locator = with_maps(networks, kind)

    def heatmaps(windows: Float32Array) -> Float32Array:
        # Not as a graph, whose building takes longer than asking for a few pictures.
        return np.asarray(locator(windows[..., np.newaxis], training=False))

    return heatmaps


def export_locator(
    networks: Sequence[Any], metadata: LocatorMetadata, windows: Float32Array, out: Path
) -> float:
    """Write trained networks as a locator's file.

    Args:
        networks: As `fit` gives them.
        metadata: What the file says of itself.
        windows: N × H × W, on which both are compared.
        out: The ``.onnx`` file.

    Returns:
        The largest difference of a probability between both.

    Raises:
        OutputError: It cannot be written.
        RuntimeError: The two networks differ.
    """
    locator = with_maps(networks, metadata.kind)
    model = convert_to_onnx(locator)
    inputs = [(windows[..., np.newaxis],)]
    check_difference(locator, model, inputs, TOLERANCE)
    store_half_floats(model)
    difference = check_difference(locator, model, inputs, TOLERANCE_HALF)
    write_onnx(model, metadata.to_json(), out)
    return difference
