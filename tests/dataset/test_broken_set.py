"""Every kind of broken row and file, planted once."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.sources.rsna import LABELS, POINTS, SERIES
from tests.dataset.handmade import LEFT, clones

LEVELS = list(map(str, Level))


@pytest.fixture
def folder(tmp_path, phantoms) -> Path:
    return clones(phantoms, tmp_path / "rsna", 6)


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_each_has_its_own_reason_and_the_rest_is_prepared(tmp_path, folder):
    labels, points, series = (read(folder / name) for name in (LABELS, POINTS, SERIES))

    def point(study: str, level: str) -> int:
        of = (points["study_id"] == study) & (points["condition"] == LEFT)
        return points.index[of & (points["level"] == level)][0]

    def column(level: str) -> str:
        return f"left_subarticular_stenosis_{Level(level).key}"

    def file(study: str, level: str) -> Path:
        row = points.loc[point(study, level)]
        name = f"{row['instance_number']}.dcm"
        return folder / "train_images" / study / row["series_id"] / name

    expected: dict[tuple[str, str], str] = {}

    def plant(study: str, level: str, reason: str) -> None:
        expected[study, level] = reason

    # Study 100: broken rows in the tables.
    labels.loc[labels["study_id"] == "100", column("L1/L2")] = ""
    plant("100", "L1/L2", "no label")
    labels.loc[labels["study_id"] == "100", column("L2/L3")] = "Awful"
    plant("100", "L2/L3", "unknown severity")
    points.loc[point("100", "L3/L4"), "x"] = "left"
    plant("100", "L3/L4", "not a number")
    points.loc[point("100", "L4/L5"), "series_id"] = "4711"
    plant("100", "L4/L5", "series not described")
    other = pd.DataFrame(
        [{"study_id": "100", "series_id": "815", "series_description": "Sagittal T1"}]
    )
    points.loc[point("100", "L5/S1"), "series_id"] = "815"
    plant("100", "L5/S1", "wrong kind of series")

    # Study 101: points that are not where they should be.
    points.loc[point("101", "L1/L2"), "x"] = "5000"
    plant("101", "L1/L2", "point outside the image")
    points.loc[point("101", "L2/L3"), "instance_number"] = "999"
    plant("101", "L2/L3", "image missing")

    # Study 102: broken files, on slices that no other level needs.
    file("102", "L1/L2").unlink()
    plant("102", "L1/L2", "image missing")
    whole = file("102", "L3/L4").read_bytes()
    file("102", "L3/L4").write_bytes(whole[: len(whole) // 2])
    plant("102", "L3/L4", "image unreadable")
    file("102", "L5/S1").write_bytes(b"no DICOM at all")
    plant("102", "L5/S1", "image unreadable")

    # Study 103 has no folder.
    shutil.rmtree(folder / "train_images" / "103")
    for level in LEVELS:
        plant("103", level, "image missing")

    gone = point("104", "L2/L3")
    extra = points.loc[[point("104", "L4/L5")]]
    points = pd.concat(
        [
            points.drop(index=gone),
            extra,
            extra.assign(level="T12/L1"),
            extra.assign(condition="Headache"),
            extra.assign(study_id=""),
            extra.assign(study_id="../104"),
        ]
    )
    plant("104", "L2/L3", "no point")
    strange = ["duplicate", "unknown level", "unknown condition", "no study_id", "no label"]

    labels.to_csv(folder / LABELS, index=False)
    points.to_csv(folder / POINTS, index=False)
    pd.concat([series, other]).to_csv(folder / SERIES, index=False)

    counts = prepare(folder, tmp_path / "out", PrepareOptions())

    rejects = read(tmp_path / "out" / "rejects.csv")
    last = len(points) + 1
    added = rejects[(rejects["file"] == POINTS) & (rejects["line"].astype(int) > last - 5)]
    assert added.sort_values("line")["reason"].tolist() == strange
    rest = rejects.drop(index=added.index)
    reasons = {(row.study_id, row.level): row.reason for row in rest.itertuples()}
    assert reasons == expected
    assert len(rest) == len(reasons)
    # File and line are those of the row: the first point of study 100 without a label is on line 2.
    assert (rejects["line"].astype(int) > 1).all()
    assert rejects.loc[rejects["reason"] == "no point", "file"].tolist() == [LABELS]

    assert counts.used + sum(counts.rejected.values()) == counts.joined
    assert counts.joined == 6 * 5 + len(strange)
    data = Prepared.open(tmp_path / "out")
    master = read(tmp_path / "out" / "Master_data.csv")
    assert len(data.index) == len(master) == counts.used == 30 - len(expected)
    keys = set(zip(master["study_id"], master["level"], strict=True))
    assert keys == {(str(study), level) for study in range(100, 106) for level in LEVELS} - set(
        expected
    )
    assert data.inputs(np.arange(counts.used))["image"].std(axis=(1, 2, 3)).min() > 0.05


@pytest.mark.parametrize("condition", list(Condition))
def test_every_condition_comes_from_its_own_kind_of_series(tmp_path, conditions_folder, condition):
    prepare(conditions_folder, tmp_path / "out", PrepareOptions(conditions=(condition,)))
    master = read(tmp_path / "out" / "Master_data.csv")
    assert set(master["series_description"]) == {condition.series_description}
    assert set(master["condition"]) == {str(condition)}
    data = Prepared.open(tmp_path / "out")
    assert data.inputs(np.arange(len(master)))["image"].std(axis=(1, 2, 3)).min() > 0.05


def test_all_conditions_at_once_and_in_both_spellings(tmp_path, conditions_folder):
    labels = read(conditions_folder / LABELS)
    ours = labels.replace({"Normal/Mild": "normal_mild", "Moderate": "moderate"})
    ours.to_csv(conditions_folder / LABELS, index=False)
    points = read(conditions_folder / POINTS)
    points["condition"] = [
        str(Condition.parse(name)) if n % 2 else name for n, name in enumerate(points["condition"])
    ]
    points.to_csv(conditions_folder / POINTS, index=False)
    counts = prepare(
        conditions_folder, tmp_path / "out", PrepareOptions(conditions=tuple(Condition))
    )
    assert (counts.used, counts.other_conditions) == (25, 0)
    master = read(tmp_path / "out" / "Master_data.csv")
    kinds = {str(condition): condition.series_description for condition in Condition}
    assert (master["series_description"] == master["condition"].map(kinds)).all()
    assert set(master["severity"]) <= {"Normal/Mild", "Moderate", "Severe"}


@pytest.fixture(scope="session")
def sagittal_phantom(tmp_path_factory) -> Path:
    from lss_cli.phantom.dataset import write_phantoms

    folder = tmp_path_factory.mktemp("sagittal") / "rsna"
    write_phantoms(folder, 1, seed=5, matrix=128, slices=3)
    return folder


@pytest.fixture
def conditions_folder(tmp_path, sagittal_phantom) -> Path:
    """A phantom with all five conditions: its sagittal series serves as T1 as well."""
    folder = Path(shutil.copytree(sagittal_phantom, tmp_path / "rsna"))
    labels, points, series = (read(folder / name) for name in (LABELS, POINTS, SERIES))
    (study,) = labels["study_id"]
    sagittal = series.loc[series["series_description"] == "Sagittal T2/STIR", "series_id"].item()
    images = folder / "train_images" / study
    shutil.copytree(images / sagittal, images / "77")
    t1 = pd.DataFrame([{"study_id": study, "series_id": "77", "series_description": "Sagittal T1"}])
    canal = points[points["condition"] == "Spinal Canal Stenosis"]
    foramina = [
        canal.assign(condition=f"{side} Neural Foraminal Narrowing", series_id="77")
        for side in ("Left", "Right")
    ]
    for level in Level:
        for side in ("left", "right"):
            labels[f"{side}_neural_foraminal_narrowing_{level.key}"] = "Moderate"
    labels.to_csv(folder / LABELS, index=False)
    pd.concat([points, *foramina]).to_csv(folder / POINTS, index=False)
    pd.concat([series, t1]).to_csv(folder / SERIES, index=False)
    return folder
