from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lss_cli.anatomy import Condition
from lss_cli.dataset.sources.rsna import LABELS, POINTS, SERIES, RsnaFolder
from lss_cli.errors import DataError
from tests.dataset.handmade import LEFT, write_csv

LABEL_COLUMNS = [
    f"left_subarticular_stenosis_{level}" for level in ("l1_l2", "l2_l3", "l3_l4", "l4_l5", "l5_s1")
]
POINT_COLUMNS = ["study_id", "series_id", "instance_number", "condition", "level", "x", "y"]


def point(study="1", level="L1/L2", **changes) -> dict:
    return {
        "study_id": study,
        "series_id": "11",
        "instance_number": "3",
        "condition": LEFT,
        "level": level,
        "x": "10.5",
        "y": "20",
    } | changes


def folder_of(folder: Path, labels: list[dict], points: list[dict]) -> RsnaFolder:
    folder.mkdir(exist_ok=True)
    write_csv(folder / LABELS, labels, ["study_id", *LABEL_COLUMNS])
    write_csv(folder / POINTS, points, POINT_COLUMNS)
    series = [
        {"study_id": "1", "series_id": "11", "series_description": "Axial T2"},
        {"study_id": "1", "series_id": "12", "series_description": "Sagittal T1"},
    ]
    write_csv(folder / SERIES, series)
    return RsnaFolder(folder)


def all_labels(study="1", grade="Moderate") -> dict:
    return {"study_id": study} | dict.fromkeys(LABEL_COLUMNS, grade)


def verdicts(table: pd.DataFrame) -> dict[tuple[str, int], str]:
    bad = table[table["reason"] != ""]
    return {
        (row.file, row.line): f"{row.reason}: {row.detail}".rstrip(": ") for row in bad.itertuples()
    }


def test_labels_and_points_are_joined(tmp_path):
    table = folder_of(tmp_path, [all_labels()], [point(), point(level="L5-S1")]).master_table()

    assert len(table) == 5
    used = table[table["reason"] == ""]
    assert used["level"].tolist() == ["L1/L2", "L5/S1"]
    assert used["severity"].tolist() == ["Moderate"] * 2
    assert used["series_description"].tolist() == ["Axial T2"] * 2
    assert used["line"].tolist() == [2, 3]


def test_each_broken_row_has_its_own_reason(tmp_path):
    labels = [
        all_labels() | {LABEL_COLUMNS[1]: "", LABEL_COLUMNS[2]: "Terrible"},
        all_labels(grade="Severe") | {LABEL_COLUMNS[1]: ""},
    ]
    points = [
        point(),
        point(level="L2/L3"),
        point(level="L3/L4"),
        point(level="L4/L5", x="left"),
        point(level="L5/S1", series_id="12"),
        point(level="L6/S1"),
        point(condition="Hip pain"),
        point(study=""),
        point(),
        point(study="2"),
    ]
    reasons = verdicts(folder_of(tmp_path, labels, points).master_table())

    assert reasons.pop((LABELS, 3)) == "duplicate: the first is on line 2"
    assert reasons == {
        (POINTS, 3): "no label",
        (POINTS, 4): "unknown severity",
        (POINTS, 5): "not a number: x is left",
        (POINTS, 6): "wrong kind of series: Sagittal T1",
        (POINTS, 7): "unknown level",
        (POINTS, 8): "unknown condition",
        (POINTS, 9): "no study_id",
        (POINTS, 10): "duplicate: the first is on line 2",
        (POINTS, 11): "no label",
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"x": "nan"}, "not a number: x is nan"),
        ({"y": "1e999"}, "not a number: y is 1e999"),
        ({"instance_number": "3.5"}, "not a number: instance_number is 3.5"),
        ({"x": ""}, "no point"),
        ({"series_id": "99"}, "series not described"),
    ],
)
def test_a_point_that_cannot_be_used(tmp_path, changes, reason):
    label = {"study_id": "1", LABEL_COLUMNS[0]: "Severe"}
    assert verdicts(folder_of(tmp_path, [label], [point(**changes)]).master_table()) == {
        (POINTS, 2): reason
    }


cell = st.sampled_from(["", "Normal/Mild", "Severe", "odd"])
rows = st.lists(
    st.builds(
        point,
        study=st.sampled_from(["1", "2", "3", ""]),
        level=st.sampled_from(["L1/L2", "l1_l2", "L5/S1", "L9"]),
        condition=st.sampled_from(
            [LEFT, "left_subarticular_stenosis", "Spinal Canal Stenosis", "?"]
        ),
        x=st.sampled_from(["1", "x", ""]),
    ),
    max_size=12,
)
labels = st.lists(
    st.fixed_dictionaries(
        {"study_id": st.sampled_from(["1", "2", "3"])} | dict.fromkeys(LABEL_COLUMNS, cell)
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=60)
@given(labels, rows)
def test_nothing_is_lost_or_counted_twice(tmp_path_factory, labels, rows):
    """Every label and every point is in exactly one row, whatever is wrong with it."""
    table = folder_of(tmp_path_factory.mktemp("rsna"), labels, rows).master_table()

    point_rows = table[table["file"] == POINTS]
    assert sorted(point_rows["line"]) == [line + 2 for line in range(len(rows))]
    label_cells = sum(bool(label[column]) for label in labels for column in LABEL_COLUMNS)
    label_rows = (table["file"] == LABELS).sum()
    paired = ((table["file"] == POINTS) & (table["severity"] != "")).sum()
    assert label_rows + paired == label_cells


def test_a_table_without_labels_is_refused(tmp_path):
    folder = folder_of(tmp_path, [], [])
    (tmp_path / LABELS).write_text("study_id,age\n1,50\n")
    with pytest.raises(DataError, match="no column names a condition and a level"):
        folder.master_table()


def test_no_table_is_missed_silently(tmp_path):
    folder = folder_of(tmp_path, [], [])
    (tmp_path / SERIES).unlink()
    with pytest.raises(DataError, match=SERIES):
        folder.master_table()


@pytest.mark.rsna
def test_the_real_tables_give_the_known_counts(rsna):
    table = RsnaFolder(rsna).master_table()
    assert (table["reason"] == "no point").sum() == 29
    assert (table["reason"] == "no label").sum() == 35

    left = table[table["condition"] == Condition.LEFT_SUBARTICULAR]
    assert (left["file"] == POINTS).sum() == 9608
    assert (left["reason"] == "no label").sum() == 5
    assert left.loc[left["reason"] == "", "severity"].value_counts().to_dict() == {
        "Normal/Mild": 6857,
        "Moderate": 1834,
        "Severe": 912,
    }
