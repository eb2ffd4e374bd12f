import json
import random
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lss_cli.anatomy import Condition
from lss_cli.dataset import prepared
from lss_cli.dataset.prepare import MASTER_COLUMNS, PrepareOptions, prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.errors import DataError, UsageError
from lss_cli.model.spec import InputSpec
from tests.dataset.handmade import LEFT, RIGHT, image_table

SPEC = InputSpec(size=(16, 16), field_mm=(24, 24))


def text(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_prepared_data_are_complete_and_belong_together(tmp_path):
    source = image_table(tmp_path / "in", studies=10)
    summary = prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC))

    master = text(tmp_path / "out" / "Master_data.csv")
    assert list(master.columns) == MASTER_COLUMNS
    assert len(master) == summary.used == summary.joined == 50
    assert (tmp_path / "out" / "rejects.csv").read_text().count("\n") == 1
    assert Counter(master.groupby("study_id")["split"].first()) == {
        "train": 8,
        "validation": 1,
        "test": 1,
    }
    assert (master.groupby("study_id")["split"].nunique() == 1).all()

    data = Prepared.open(tmp_path / "out")
    assert data.spec == SPEC
    assert data.images.shape == (50, 26, 26, 3)
    assert data.margin == (5, 5)
    assert data.inputs(np.arange(50))["image"].shape == (50, 16, 16, 3)
    assert data.index["row_id"][0] == "1000_left_subarticular_stenosis_l1_l2"
    assert data.index["severity"].tolist() == master["severity"].tolist()
    assert set(data.index["order"]) == {"known"}
    assert data.coords == pytest.approx(np.full((50, 2), 0.5))
    brightness = data.inputs(np.arange(50))["image"].mean(axis=(1, 2, 3))
    by_grade = pd.Series(brightness).groupby(data.index["severity"]).mean()
    assert by_grade["Normal/Mild"] > by_grade["Moderate"] > by_grade["Severe"]


def test_the_other_side_is_added_mirrored_to_the_training_part_only(tmp_path):
    source = image_table(tmp_path / "in", studies=10, sides=(LEFT, RIGHT))
    plain = prepare(source, tmp_path / "plain", PrepareOptions(spec=SPEC))
    assert (plain.joined, plain.other_conditions) == (50, 50)

    summary = prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC, mirror=True))
    assert summary.used + sum(summary.rejected.values()) == summary.joined == 100
    assert summary.rejected == {"mirrored side of a held-out study": 10}
    assert summary.splits["validation"] == plain.splits["validation"]

    index = Prepared.open(tmp_path / "out").index
    assert set(index["condition"]) == {"left_subarticular_stenosis"}
    right = index[index["source_condition"] == "right_subarticular_stenosis"]
    assert set(right["split"]) == {"train"}
    assert right["row_id"].str.contains("_right_subarticular_stenosis_").all()

    held_out = text(tmp_path / "plain" / "Master_data.csv")
    again = text(tmp_path / "out" / "Master_data.csv")
    for part in ("validation", "test"):
        assert set(held_out.loc[held_out["split"] == part, "study_id"]) == set(
            again.loc[again["split"] == part, "study_id"]
        )


def test_a_mirrored_input_is_the_mirror_image(tmp_path):
    source = image_table(tmp_path / "in", studies=2, sides=(LEFT, RIGHT))
    rows = text(source)
    rows["image"] = rows["image"].str.replace("_R", "_L")
    rows["x"] = ["12.5" if "Left" in name else "26.5" for name in rows["condition"]]
    rows.to_csv(source, index=False)
    prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC, mirror=True, proportions=(1, 0, 0)))

    data = Prepared.open(tmp_path / "out")
    left, right = data.coords[:2]
    assert left == pytest.approx(right)
    # The noise is not symmetric: the field of the right point is another one, seen in a mirror.
    both = PrepareOptions(
        spec=SPEC,
        conditions=(Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR),
        proportions=(1, 0, 0),
    )
    prepare(source, tmp_path / "both", both)
    plain = Prepared.open(tmp_path / "both")
    names = ["row_id", "position"]
    for row_id, position in data.index[names].itertuples(index=False):
        same_row = plain.index["row_id"] == row_id
        image = plain.images[plain.index.loc[same_row, "position"].item()]
        expected = image[:, ::-1] if "right" in row_id else image
        assert data.images[position] == pytest.approx(expected, abs=2e-3)


def test_the_order_of_the_rows_changes_nothing(tmp_path):
    source = image_table(tmp_path / "in", studies=6)
    lines = source.read_text().splitlines(keepends=True)
    body = lines[1:]
    random.Random(1).shuffle(body)
    shuffled = source.with_name("shuffled.csv")
    shuffled.write_text(lines[0] + "".join(body))
    prepare(source, tmp_path / "a", PrepareOptions(spec=SPEC))
    prepare(shuffled, tmp_path / "b", PrepareOptions(spec=SPEC))
    for name in ("Master_data.csv", prepared.INDEX, prepared.IMAGES, prepared.COORDS):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_rows_without_a_usable_image_are_rejected_and_the_rest_is_prepared(tmp_path):
    source = image_table(tmp_path / "in", studies=4)
    (tmp_path / "in" / "1000_0_L.png").unlink()
    (tmp_path / "in" / "1001_1_L.png").write_bytes(b"broken")
    summary = prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC))

    assert (summary.used, summary.joined) == (18, 20)
    rejects = text(tmp_path / "out" / "rejects.csv")
    assert rejects[["file", "line", "study_id", "level", "reason"]].to_numpy().tolist() == [
        ["table.csv", "2", "1000", "L1/L2", "image missing"],
        ["table.csv", "8", "1001", "L2/L3", "image unreadable"],
    ]
    data = Prepared.open(tmp_path / "out")
    assert len(data.inputs(np.arange(18))["image"]) == 18
    assert data.inputs(np.arange(18))["image"].max(axis=(1, 2, 3)).min() > 0.5


def test_an_interrupted_run_never_looks_complete(tmp_path):
    source = image_table(tmp_path / "in", studies=4)
    prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC))

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC), interrupt)
    with pytest.raises(DataError, match="lss prepare"):
        Prepared.open(tmp_path / "out")
    assert not list((tmp_path / "out").glob(".lss-*"))

    prepare(source, tmp_path / "out", PrepareOptions(spec=InputSpec(size=(8, 8), level=True)))
    assert Prepared.open(tmp_path / "out").inputs(np.arange(3))["level"].shape == (3, 5)


def test_the_report_tells_what_was_done(tmp_path):
    source = image_table(tmp_path / "in", studies=4)
    prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC, seed=7))
    report = json.loads((tmp_path / "out" / "prepare.json").read_text())
    assert report["seed"] == 7
    assert report["input"]["size"] == [16, 16]
    assert report["counts"]["used"] == 20
    assert len(report["source"]["table.csv"]) == len(report["fingerprint"]) == 64


def test_nothing_usable_is_an_error_that_points_to_the_reasons(tmp_path):
    source = image_table(tmp_path / "in", studies=2)
    for image in (tmp_path / "in").glob("*.png"):
        image.unlink()
    with pytest.raises(DataError, match=r"not one of 10 rows can be used; 10 of them: image miss"):
        prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC))
    assert len(text(tmp_path / "out" / "rejects.csv")) == 10


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ((Condition.SPINAL_CANAL,), "would add nothing"),
        ((Condition.LEFT_FORAMINAL, Condition.RIGHT_FORAMINAL), "would add nothing"),
    ],
)
def test_mirroring_that_adds_nothing_is_refused(tmp_path, conditions, message):
    source = image_table(tmp_path / "in", studies=1)
    with pytest.raises(UsageError, match=message):
        prepare(source, tmp_path / "out", PrepareOptions(conditions, mirror=True))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path, lss):
    source = image_table(tmp_path / "in", studies=1)
    code, _, err = lss("prepare", source, "--out", source)
    assert code == 3
    assert "folder cannot be created" in err


def test_a_source_of_another_kind_is_refused(tmp_path):
    with pytest.raises(DataError, match="RSNA layout"):
        prepare(tmp_path, tmp_path / "out", PrepareOptions())
    with pytest.raises(DataError, match="no such file"):
        prepare(tmp_path / "none.csv", tmp_path / "out", PrepareOptions())
    (tmp_path / "empty.csv").write_text(
        "image,study_id,series_id,instance_number,condition,level,severity,x,y\n"
    )
    with pytest.raises(DataError, match="no row of the conditions"):
        prepare(tmp_path / "empty.csv", tmp_path / "out", PrepareOptions())


def test_dicom_studies_are_prepared_and_broken_ones_named(tmp_path, phantoms):
    folder = Path(shutil.copytree(phantoms, tmp_path / "rsna"))
    points = text(folder / "train_label_coordinates.csv")
    left = points["condition"] == LEFT
    first, second, third = points.index[left][:3]
    points.loc[first, "instance_number"] = "9999"
    points.loc[second, "x"] = "5000"
    points.loc[third, "series_id"] = "42"
    points.to_csv(folder / "train_label_coordinates.csv", index=False)
    summary = prepare(folder, tmp_path / "out", PrepareOptions(spec=SPEC))

    assert (summary.joined, summary.used) == (5, 2)
    assert summary.rejected == {
        "image missing": 1,
        "point outside the image": 1,
        "series not described": 1,
    }
    data = Prepared.open(tmp_path / "out")
    assert data.inputs(np.arange(2))["image"].std(axis=(1, 2, 3)).min() > 0.1

    for file in (folder / "train_images").rglob("*.dcm"):
        file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises(DataError, match="not one of 5 rows"):
        prepare(folder, tmp_path / "again", PrepareOptions(spec=SPEC))


def test_the_command_prints_the_sums(tmp_path, lss):
    source = image_table(tmp_path / "in", studies=10, sides=(LEFT, RIGHT))
    (tmp_path / "in" / "1000_0_L.png").unlink()
    code, out, err = lss(
        "prepare", source, "--out", tmp_path / "out", "--size", "16", "--field-mm", "24,20"
    )
    assert code == 0
    assert "49 used + 1 rejected = 50 joined; 50 of other conditions" in out
    assert "1 rejected: image missing" in out
    assert "lss train --data" in err
    assert Prepared.open(tmp_path / "out").spec.field_mm == (24, 20)


@pytest.mark.parametrize(
    "options",
    [
        ("--size", "x"),
        ("--size", "4"),
        ("--field-mm", "1,2,3"),
        ("--split", "80"),
        ("--folds", "1"),
        ("--folds", "9"),
        ("--balance", "half"),
        ("--balance-scope", "all"),
        ("--mirror", "--condition", "spinal_canal_stenosis"),
        ("--workers", "0"),
        ("--condition", "headache"),
        ("--neighbours", "99"),
        ("--view", "sideways"),
    ],
)
def test_wrong_options_end_in_2(tmp_path, lss, options):
    source = image_table(tmp_path / "in", studies=1)
    code, _, err = lss("prepare", source, "--out", tmp_path / "out", *options)
    assert code == 2
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


@pytest.mark.rsna
def test_the_real_cut_outs_are_prepared(tmp_path, rsna):
    summary = prepare(rsna / "crops.csv", tmp_path / "out", PrepareOptions(spec=SPEC))
    assert summary.rejected["more than one slice from the annotated one"] == 72
    assert (summary.joined, summary.used) == (2156, 2083)
    grades = Counter(Prepared.open(tmp_path / "out").index["severity"])
    assert grades == {"Normal/Mild": 1495, "Moderate": 413, "Severe": 175}


@pytest.mark.rsna
def test_the_real_tables_give_the_counts_of_the_study(tmp_path, rsna, lss):
    """All conditions, and the left recess before and after the study's balancing."""
    out = tmp_path / "out"
    code, printed, _ = lss("prepare", rsna, "--out", out, "--tables-only", "--no-figures")
    assert code == 0
    assert "9603 used + 14 rejected = 9617 joined" in printed
    for name, count in {
        "left_subarticular_stenosis": "9,608",
        "right_subarticular_stenosis": "9,612",
        "spinal_canal_stenosis": "9,870",
        "left_neural_foraminal_narrowing": "9,860",
        "right_neural_foraminal_narrowing": "9,859",
    }.items():
        assert re.search(rf"{name} +{count}", printed)
    assert not (out / prepared.INPUTS).exists()
    with pytest.raises(DataError, match="tables only"):
        Prepared.open(out)

    options = PrepareOptions(balance="drop-normal-studies", balance_scope="all", tables_only=True)
    counts = prepare(rsna, out, options)
    before, after = counts.exploration.severities.T.to_dict("records")
    assert before == {"Normal/Mild": 6857, "Moderate": 1834, "Severe": 912}
    assert after == {"Normal/Mild": 3701, "Moderate": 1834, "Severe": 912}
    axial = counts.exploration.axial_series
    assert (axial.sum(), axial[axial.index > 1].sum()) == (1975, 335)

    # FACTS counts points, among them five without a label.
    master, rejects = text(out / "Master_data.csv"), text(out / "rejects.csv")
    points = pd.concat([master, rejects[rejects["reason"] == "no label"]])
    assert (points["study_id"].nunique(), len(points)) == (1342, 6452)
    assert points["level"].value_counts().to_dict() == {
        "L3/L4": 1340,
        "L4/L5": 1340,
        "L5/S1": 1332,
        "L2/L3": 1261,
        "L1/L2": 1179,
    }
    assert counts.used + sum(counts.rejected.values()) == counts.joined == 9617


def test_tables_only_opens_no_image(tmp_path, monkeypatch):
    source = image_table(tmp_path / "in", studies=10)
    prepare(source, tmp_path / "whole", PrepareOptions(spec=SPEC))
    for image in (tmp_path / "in").glob("*.png"):
        image.unlink()
    counts = prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC, tables_only=True))
    assert counts.used == 50
    assert counts.exploration.unit == "pixels"
    for name in ("Master_data.csv", "rejects.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_balancing_leaves_out_is_in_the_rejects(tmp_path, lss):
    source = image_table(tmp_path / "in", studies=12)
    rows = text(source)
    rows.loc[rows["study_id"].isin(["1001", "1002"]), "severity"] = "normal_mild"
    rows.to_csv(source, index=False)
    out = tmp_path / "out"
    code, printed, _ = lss(
        *("prepare", source, "--out", out, "--size", "16", "--field-mm", "24", "--no-figures"),
        *("--balance", "drop-normal-studies", "--balance-scope", "all", "--split", "80:20"),
        *("--strategy", "stratified", "--folds", "4", "--workers", "2"),
    )
    assert code == 0
    assert "50 used + 10 rejected = 60 joined" in printed
    assert "10 rejected: study left out: all levels Normal/Mild" in printed
    assert set(text(out / "rejects.csv")["study_id"]) == {"1001", "1002"}
    index = Prepared.open(out).index
    assert Counter(index.groupby("study_id")["split"].first()) == {"train": 8, "test": 2}
    folds = index[index["split"] == "train"].groupby("study_id")["fold"].first()
    assert Counter(folds) == {"0": 2, "1": 2, "2": 2, "3": 2}
    assert set(index.loc[index["split"] == "test", "fold"]) == {""}


def test_the_index_knows_the_size_of_the_slice(tmp_path):
    source = image_table(tmp_path / "in", studies=1)
    prepare(source, tmp_path / "out", PrepareOptions(spec=SPEC))
    index = Prepared.open(tmp_path / "out").index
    # 40 pixels of 0.75 mm.
    assert index[["slice_width_mm", "slice_height_mm"]].drop_duplicates().to_numpy().tolist() == [
        [30.0, 30.0]
    ]
