"""Training images and DICOM give the same model inputs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lss_cli.anatomy import Condition
from lss_cli.dataset.cache import Prepared
from lss_cli.dataset.prepare import Options, prepare
from lss_cli.dataset.rsna import RsnaFolder
from lss_cli.model_input import InputSpec
from lss_cli.study.study import read_study
from tests.dataset.sources import write_csv

SPEC = InputSpec(size=(64, 64), field_mm=(30, 30))


def cut_outs(rsna: Path, study_id: str, folder: Path) -> Path:
    """The recipe of the cut-outs: 8 bit, min–max per slice, cut, PNG, image table."""
    folder.mkdir()
    joined = RsnaFolder(rsna).joined()
    mine = (joined["study_id"] == study_id) & (joined["reason"] == "")
    left = joined[mine & (joined["condition"] == Condition.LEFT_SUBARTICULAR)]
    study = read_study(rsna / "train_images" / study_id)
    rows = []
    for number, row in enumerate(left.to_dict("records")):
        place = study.locate(row["series_id"], int(row["instance_number"]))
        slices = place.slices(1)
        x, y = place.oriented((float(row["x"]), float(row["y"])))
        low, high = (end(slices.pixels, axis=(1, 2), keepdims=True) for end in (np.min, np.max))
        grey = ((slices.pixels - low) / (high - low) * 255).round().astype(np.uint8)
        left_edge, top = int(x) - 45, int(y) - 40
        cut = grey[:, top : top + 80, left_edge : left_edge + 90]
        Image.fromarray(np.moveaxis(cut, 0, -1)).save(folder / f"{number}.png")
        rows.append(
            {name: row[name] for name in ("study_id", "series_id", "condition", "level")}
            | {
                "image": f"{number}.png",
                "instance_number": 100 + number,
                "severity": row["severity"],
                "x": x - left_edge,
                "y": y - top,
                "origin_x": left_edge,
                "origin_y": top,
                "full_width": slices.full_size[0],
                "full_height": slices.full_size[1],
                "pixel_spacing_mm": slices.spacing_mm[0],
            }
        )
    return write_csv(folder / "table.csv", rows)


def largest_gap(rsna: Path, study_id: str, folder: Path) -> tuple[float, float]:
    """Mean difference of the images, largest difference of the coordinates."""
    table = cut_outs(rsna, study_id, folder / "cut")
    prepare(table, folder / "a", Options(spec=SPEC))
    only = folder / "rsna"
    only.mkdir()
    for name in ("train.csv", "train_label_coordinates.csv", "train_series_descriptions.csv"):
        rows = pd.read_csv(rsna / name, dtype=str)
        rows[rows["study_id"] == study_id].to_csv(only / name, index=False)
    (only / "train_images").symlink_to(rsna / "train_images")
    prepare(only, folder / "b", Options(spec=SPEC))
    one, other = Prepared.open(folder / "a"), Prepared.open(folder / "b")
    assert one.index["row_id"].tolist() == other.index["row_id"].tolist()
    assert len(one.index) == 5
    images = np.abs(one.images.astype(float) - other.images.astype(float)).mean()
    return float(images), float(np.abs(one.coords - other.coords).max())


def test_a_phantom_gives_one_input_from_dicom_and_from_cut_outs(phantoms, tmp_path):
    (study,) = (phantoms / "train_images").iterdir()
    images, coords = largest_gap(phantoms, study.name, tmp_path)
    assert images < 0.01
    assert coords < 1e-6


@pytest.mark.rsna
def test_the_real_study_does_too(rsna, tmp_path):
    images, coords = largest_gap(rsna, "100206310", tmp_path)
    assert images < 0.01
    assert coords < 1e-6
