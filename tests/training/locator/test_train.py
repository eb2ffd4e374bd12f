import csv

import numpy as np
import pytest
from PIL import Image

from lss_cli.anatomy import Level
from lss_cli.locate.metadata import WindowSpec
from lss_cli.locate.model import LocatorModel, cut_window
from lss_cli.training.backend import load_backend
from tests.dataset.handmade import LEFT, RIGHT, image_table

load_backend()

TINY = WindowSpec((64, 64), 4.0)


def write_sagittal(folder, patients=4, disputed=()):
    """Grey pictures with five bright discs each, one below the other."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    rows = []
    for patient in range(patients):
        pixels = rng.integers(0, 60, (160, 160))
        for level in Level:
            x, y = 60 + 3 * patient, 20 + 25 * level.ordinal
            pixels[y : y + 8, x : x + 30] = 200
            numbering = "disputed" if patient in disputed else "agreed"
            box = [x, y, x + 30, y + 8]
            rows.append([f"images/{patient}.png", patient, level, *box, numbering, 1.6])
        Image.fromarray(pixels.astype(np.uint8)).save(folder / "images" / f"{patient}.png")
    with (folder / "discs.csv").open("w", newline="") as file:
        table = csv.writer(file)
        names = ["image", "patient", "level", "x0", "y0", "x1", "y1", "numbering", "pixel_mm"]
        table.writerows([names, *rows])
    return folder


def test_folds_are_trained_measured_and_become_one_file(tmp_path):
    from lss_cli.training.locator.train import train_locator

    reports = []
    metadata = train_locator(
        "sagittal",
        write_sagittal(tmp_path / "pictures", disputed={3}),
        tmp_path / "discs.onnx",
        steps=2,
        folds=2,
        phantoms=0,
        predictions=tmp_path / "predictions.csv",
        name="discs",
        trained_on="drawn discs",
        licence="none",
        window=TINY,
        report=lambda *told: reports.append(told),
    )
    assert [told[:3] for told in reports] == [("fold 0", 2, 2), ("fold 1", 2, 2)]
    assert metadata.training["summary"] == "drawn discs: 3 pictures of 3 patients"
    assert metadata.metrics["out_of_fold"]["landmarks"] == 15
    assert metadata.metrics["out_of_fold_with_disputed"]["landmarks"] == 20
    with (tmp_path / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["fold"], row["patient"]) for row in rows if row["level"] == "L1/L2"} == {
        *((row["fold"], row["patient"]) for row in rows)
    }
    assert sorted({row["patient"] for row in rows}) == ["0", "1", "2", "3"]
    model = LocatorModel.open(tmp_path / "discs.onnx")
    assert model.metadata == metadata
    picture = np.asarray(Image.open(tmp_path / "pictures/images/0.png"))
    maps = model.heatmaps(cut_window(picture, (1.6, 1.6), (80, 80), model.window)[np.newaxis])
    assert maps.shape == (1, 16, 16, 5)


def test_the_file_answers_as_the_trained_networks_do(tmp_path):
    from lss_cli.training.locator.train import export_locator, maps_of
    from lss_cli.training.locator.unet import build_unet
    from tests.locate.test_model import metadata

    window = WindowSpec((64, 32), 1.0)
    networks = [build_unet("axial", window.size, 2) for _ in range(2)]
    windows = np.random.default_rng(0).random((3, 32, 64), dtype=np.float32)
    expected = maps_of(networks, "axial")(windows)
    apart = [maps_of([network], "axial")(windows) for network in networks]
    assert np.allclose(expected, np.mean(apart, axis=0), atol=1e-6)
    difference = export_locator(networks, metadata(window=window), windows, tmp_path / "a.onnx")
    got = LocatorModel.open(tmp_path / "a.onnx").heatmaps(windows)
    assert np.abs(got - expected).max() == pytest.approx(difference, abs=1e-6)
    assert difference < 1e-3


def test_the_command_trains_on_an_image_table(lss, tmp_path):
    table = image_table(tmp_path / "in", studies=4, sides=(LEFT, RIGHT))
    out = tmp_path / "recesses.onnx"
    code, printed, messages = lss(
        *("train-locator", "axial", table, "--out", out, "--folds", 0, "--steps", 1),
        *("--phantoms", 0, "--licence", "of tests"),
    )
    assert code == 0, messages
    assert not printed
    assert "fold all: 1 of 1 batches" in messages and "sure from a confidence of 1" in messages
    assert LocatorModel.open(out).metadata.licence == "of tests"


def test_what_cannot_be_trained_on_is_refused(lss, tmp_path):
    pictures = write_sagittal(tmp_path / "pictures", patients=2)
    out = ("--out", tmp_path / "x.onnx")
    code, _, message = lss("train-locator", "sagittal", pictures, *out, "--folds", 3)
    assert code == 3 and "3 folds want as many patients, there are 2" in message
    assert lss("train-locator", "sagittal", pictures, *out, "--folds", 1)[0] == 2
    table = pictures / "discs.csv"
    table.write_text(table.read_text().replace("L3/L4", "L9", 1))
    code, _, message = lss("train-locator", "sagittal", pictures, *out)
    assert code == 3 and "discs.csv, line 4" in message
    (pictures / "images" / "0.png").unlink()
    table.write_text(table.read_text().replace("L9", "L3/L4"))
    code, _, message = lss("train-locator", "sagittal", pictures, *out)
    assert code == 3 and "image missing" in message
