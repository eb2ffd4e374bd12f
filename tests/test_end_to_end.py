"""The whole way a user goes, with the commands."""

import csv

import pytest

from lss_cli.phantom.dataset import write_phantoms


@pytest.mark.slow
def test_sixty_phantoms_become_a_model_that_grades_another(lss, tmp_path):
    write_phantoms(tmp_path / "rsna", 60, seed=1, sagittal=False, matrix=160, slices=3)
    data, run, model = tmp_path / "prepared", tmp_path / "run", tmp_path / "phantom.onnx"

    small = ("--size", "48", "--field-mm", "36,30", "--mirror")
    code, out, _ = lss("prepare", tmp_path / "rsna", "--out", data, *small)
    assert code == 0
    assert "0 rejected" in out

    code, out, _ = lss("train", "--data", data, "--out", run, "--epochs", "8")
    assert code == 0

    assert lss("export-onnx", run, "--out", model)[0] == 0

    write_phantoms(tmp_path / "new", 6, seed=2, sagittal=False, matrix=160, slices=3)
    right, total = 0, 0
    for study in (tmp_path / "new" / "train_images").iterdir():
        table = tmp_path / "out.csv"
        coords = tmp_path / "new" / "train_label_coordinates.csv"
        code, *_ = lss("predict", study, "--coords", coords, "--model", model, "--csv", table)
        assert code == 0
        labels = next(
            row for row in read(tmp_path / "new" / "train.csv") if row["study_id"] == study.name
        )
        for row in read(table):
            level = row["level"].lower().replace("/", "_")
            right += row["grade"] == labels[f"{row['condition']}_{level}"]
            total += 1
    assert total == 60
    assert right / total > 0.8


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.rsna
def test_the_real_study_is_graded(lss, rsna):
    code, out, _ = lss(
        "predict",
        rsna / "train_images" / "100206310",
        "--coords",
        rsna / "train_label_coordinates.csv",
        "--condition",
        "left_subarticular_stenosis",
    )
    assert code == 0
    rows = [line.split()[0] for line in out.splitlines() if "▸" in line]
    assert rows == ["L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]
