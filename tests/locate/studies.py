"""Studies whose pictures say by their brightness where what is, and networks that read it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lss_cli.anatomy import Level, Side
from lss_cli.locate.metadata import LANDMARKS, LocatorMetadata, WindowSpec
from lss_cli.model.metadata import METADATA_KEY
from lss_cli.phantom.study import Phantom, PhantomSeries, plan_study
from tests.dicom import image, save, set_pixels
from tests.locate.geometry import disc_centres

BRIGHTEST = 4000
WINDOWS = {"sagittal": WindowSpec((96, 96), 2.75), "axial": WindowSpec((96, 64), 0.5)}


class Spot(NamedTuple):
    """An ellipsoid: a share of the greatest brightness, its centre and its half axes in mm."""

    brightness: float
    centre: np.ndarray
    radii: tuple[float, float, float]


def brightness(landmark: int) -> float:
    return (landmark + 1) / 8


def write_coded_study(
    folder: Path,
    phantom: Phantom,
    *,
    shift: int = 0,
    without: tuple[str, ...] = (),
    tags: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """A study of a phantom's planes: discs and recesses are spots, each of a brightness of its own.

    Args:
        folder: Of the study.
        phantom: Whose planes and places these are.
        shift: By how many levels the discs are taken for others.
        without: Kinds of series that are left out.
        tags: Of the files, by the kind of series.
    """
    curve = phantom.body.curve
    # The darkest there is, so that every window has some of it.
    dark = [
        Spot(0.0, curve.to_patient(0.0, 21.0, curve.level(level)), (30.0, 9.0, 17.0))
        for level in Level
    ]
    for series in phantom.series:
        if series.kind not in without:
            spots = _discs(phantom, shift) if "Sag" in series.kind else _recesses(phantom)
            spots += dark
            described = {"description": series.description} | dict(
                (tags or {}).get(series.kind, {})
            )
            files = [_file(phantom, series, slice_, spots, described) for slice_ in series.slices]
            save(files, folder / str(series.series_id))
    return folder


def _discs(phantom: Phantom, shift: int) -> list[Spot]:
    return [
        Spot(brightness(level.ordinal - shift), centre, (18.0, 14.0, 8.0))
        for level, centre in disc_centres(phantom)
        if 0 <= level.ordinal - shift < len(Level)
    ]


def _recesses(phantom: Phantom) -> list[Spot]:
    curve, clicks = phantom.body.curve, phantom.body.clicks
    return [
        Spot(
            brightness(number),
            curve.to_patient(*clicks[level, side], curve.level(level)),
            (3.5, 3.5, 11.0),
        )
        for level in Level
        for number, side in enumerate(Side)
    ]


def _file(phantom: Phantom, series: PhantomSeries, slice_, spots, tags):
    at = slice_.plane
    ds = image(
        orientation=(*at.row_cosine, *at.column_cosine),
        size=(8, 8),
        spacing=(at.spacing, at.spacing),
        number=slice_.instance_number,
        series=f"1.2.3.{series.series_id}",
        study=f"1.2.3.{phantom.study_id}",
        **tags,
    )
    ds.ImagePositionPatient = list(at.position)
    x, y, z = at.grid()
    pixels = np.full(x.shape, float(BRIGHTEST))
    for spot in spots:
        if abs(float((spot.centre - at.position) @ at.normal)) > max(spot.radii):
            continue
        steps = zip((x, y, z), spot.centre, spot.radii, strict=True)
        squares = (
            ((grid - np.float32(middle)) * np.float32(1 / mm)) ** 2 for grid, middle, mm in steps
        )
        pixels[sum(squares) <= 1] = spot.brightness * BRIGHTEST
    set_pixels(ds, pixels)
    return ds


def write_locators(folder: Path, *, sure: float = 0.5) -> Path:
    """Networks that take brightness for what it says; beside them there may be a grader."""
    folder.mkdir(exist_ok=True)
    for kind in WINDOWS:
        _write_locator(folder / f"locate-{kind}.onnx", kind, sure)
    return folder


def _write_locator(path: Path, kind: str, sure: float) -> None:
    window, landmarks = WINDOWS[kind], LANDMARKS[kind]
    (width, height), count = window.size, len(landmarks)
    described = LocatorMetadata(
        name=f"{kind} spots",
        kind=kind,
        window=window,
        landmarks=landmarks,
        map_stride=1,
        within_mm=8.0 if kind == "sagittal" else 3.0,
        sure=sure,
        training={"summary": "nothing at all"},
        metrics={},
        licence="Apache-2.0",
        intended_use="tests",
        created="2026-01-01",
        tools={},
    )
    values = np.array([brightness(landmark) for landmark in range(count)], np.float32)
    constants = {
        "values": values.reshape(1, count, 1, 1),
        "narrow": np.float32(0.03),
        "axes": np.array([2, 3]),
        # So many pixels of a brightness make it as likely as not that it is a spot.
        "few": np.float32(2.0),
    }
    around = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Transpose", ["image"], ["x"], perm=[0, 3, 1, 2]),
        # Edges, which have every brightness, are none.
        helper.make_node("MaxPool", ["x"], ["highest"], **around),
        helper.make_node("Neg", ["x"], ["minus"]),
        helper.make_node("MaxPool", ["minus"], ["lowest"], **around),
        helper.make_node("Add", ["highest", "lowest"], ["range"]),
        helper.make_node("Sub", ["x", "values"], ["apart"]),
        helper.make_node("Abs", ["apart"], ["distance"]),
        helper.make_node("Add", ["distance", "range"], ["unlike"]),
        helper.make_node("Div", ["unlike", "narrow"], ["steps"]),
        helper.make_node("Mul", ["steps", "steps"], ["squares"]),
        helper.make_node("Neg", ["squares"], ["below"]),
        helper.make_node("Exp", ["below"], ["alike"]),
        helper.make_node("ReduceSum", ["alike", "axes"], ["sums"], keepdims=1),
        helper.make_node("Add", ["sums", "few"], ["whole"]),
        helper.make_node("Div", ["alike", "whole"], ["shares"]),
        helper.make_node("Transpose", ["shares"], ["maps"], perm=[0, 2, 3, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", height, width, 1])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["N", height, width, count])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: described.to_json()})
    onnx.save(model, path)


def plan(number: int = 0, **options) -> Phantom:
    """A phantom of small pictures; with `slices`, of as many per disc."""
    return plan_study(7, number, matrix=128, **options)
