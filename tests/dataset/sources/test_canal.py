import json

import pandas as pd
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import MASTER, REJECTS, prepare
from lss_cli.dataset.prepared import REPORT
from lss_cli.dataset.sources.image_table import ImageTable
from lss_cli.dataset.sources.rsna import RsnaFolder
from lss_cli.errors import UsageError
from tests.dataset.handmade import LEFT, RIGHT, image_table, write_csv
from tests.dataset.sources.test_rsna import folder_of, point

CANAL = str(Condition.SPINAL_CANAL)


def row(side: str, **changes) -> dict:
    return {
        "image": "a.png",
        "study_id": "1",
        "series_id": "11",
        "instance_number": "5",
        "annotated_instance": "5",
        "condition": side,
        "level": "L4/L5",
        "severity": "Severe",
        "x": "30",
        "y": "20",
        "origin_x": "100",
        "origin_y": "50",
        "full_width": "400",
        "full_height": "300",
    } | changes


def labels(folder, study="1", **grades):
    grades = {"l4_l5": "Moderate"} | grades
    columns = {f"spinal_canal_stenosis_{level}": grade for level, grade in grades.items()}
    other = {"left_subarticular_stenosis_l4_l5": "Normal/Mild"}
    return write_csv(folder / "train.csv", [{"study_id": study} | columns | other])


def canal_of(folder, *rows, **grades) -> pd.DataFrame:
    table = ImageTable(write_csv(folder / "t.csv", list(rows)), labels(folder, **grades))
    everything = table.master_table()
    return everything[everything["condition"] == CANAL]


def test_the_point_is_the_middle_of_the_full_slice_in_the_left_points_image(tmp_path):
    right = row(RIGHT, image="b.png", x="12", y="26", origin_x="90", origin_y="52")
    (canal,) = canal_of(tmp_path, right, row(LEFT)).to_dict("records")

    # 130, 70 on the left and 102, 78 on the right.
    assert (float(canal["x"]) + 100, float(canal["y"]) + 50) == (116, 74)
    assert canal["severity"] == "Moderate"
    assert (canal["file"], canal["line"], canal["series_description"]) == ("t.csv", 3, "Axial T2")
    assert (canal["points"], canal["reason"]) == ("derived", "")


def test_two_slices_of_a_series_have_a_middle_on_the_lefts(tmp_path):
    rows = row(LEFT, instance_number="6"), row(RIGHT, instance_number="8", x="10")
    (canal,) = canal_of(tmp_path, *rows).to_dict("records")
    assert (canal["instance_number"], canal["x"], canal["points"]) == ("6", "20", "derived")


def test_two_series_cannot_be_compared_and_the_left_point_tells(tmp_path):
    (canal,) = canal_of(tmp_path, row(LEFT), row(RIGHT, series_id="12")).to_dict("records")
    assert (canal["points"], canal["reason"]) == ("estimated", "")
    assert (float(canal["x"]), float(canal["y"])) == (30 - 0.045 * 400, 20)


@pytest.mark.parametrize(
    ("rows", "grade", "reason"),
    [
        ([row(LEFT)], "Severe", "the middle between left and right is not known: no right point"),
        ([row(RIGHT)], "Severe", "the middle between left and right is not known: no left point"),
        (
            [row(LEFT), row(RIGHT, x="?")],
            "Severe",
            "the middle between left and right is not known: x of left or right is no number",
        ),
        (
            [row(LEFT, full_width=""), row(RIGHT, series_id="12", full_width="")],
            "Severe",
            "the middle between left and right is not known: they lie in different series",
        ),
        ([], "Severe", "no point: "),
        ([row(LEFT), row(RIGHT)], "Grim", "unknown severity: "),
        (
            [row(LEFT, instance_number="7"), row(RIGHT)],
            "Severe",
            "more than one slice from the annotated one: annotated is 5",
        ),
    ],
)
def test_a_level_without_a_usable_middle_says_why(tmp_path, rows, grade, reason):
    elsewhere = row(LEFT, study_id="2"), row(RIGHT, study_id="2")
    table = canal_of(tmp_path, *rows, *elsewhere, l4_l5=grade)
    canal = table[table["study_id"] == "1"].iloc[0]
    assert f"{canal['reason']}: {canal['detail']}" == reason


def test_a_point_without_a_grade_is_told(tmp_path):
    canal = canal_of(tmp_path, row(LEFT), row(RIGHT), l4_l5="", l5_s1="Severe")
    assert dict(zip(canal["level"], canal["reason"], strict=True)) == {
        "L4/L5": "no label",
        "L5/S1": "no point",
    }


def test_what_the_sides_lack_in_labels_does_not_matter(tmp_path):
    rows = row(LEFT, severity=""), row(RIGHT, instance_number="9", severity="")
    assert canal_of(tmp_path, *rows)["reason"].tolist() == [""]


def test_an_rsna_folder_gives_axial_points_and_refuses_sagittal_ones(tmp_path):
    sagittal = {"series_id": "12", "condition": CANAL}
    points = [
        point(x="30"),
        point(x="10", y="24", condition=RIGHT, instance_number="4"),
        point(**sagittal),
        point(level="L2/L3", **sagittal),
    ]
    folder_of(tmp_path, [{"study_id": "1"}], points)
    source = RsnaFolder(tmp_path, labels(tmp_path, l1_l2="Severe", l2_l3="Moderate"))
    table = source.master_table().query(f"condition == '{CANAL}'")

    (used,) = table[table["reason"] == ""].to_dict("records")
    assert (used["level"], used["severity"], used["points"]) == ("L1/L2", "Severe", "derived")
    assert (used["series_id"], used["instance_number"]) == ("11", "3")
    assert (float(used["x"]), float(used["y"])) == (20, 22)
    assert table[table["line"] == 4]["reason"].tolist() == ["duplicate"]
    assert table[table["line"] == 5]["reason"].tolist() == ["wrong kind of series"]


def test_the_canal_is_prepared_from_images_of_both_sides(tmp_path, lss):
    table = image_table(tmp_path / "in", studies=10, sides=(LEFT, RIGHT))
    grades = {f"spinal_canal_stenosis_{level.key}": "Severe" for level in Level}
    train = write_csv(
        tmp_path / "train.csv", [{"study_id": study} | grades for study in range(1000, 1011)]
    )
    out = tmp_path / "out"
    asked = ["--condition", CANAL, "--canal-labels", train, "--size", "24", "--field-mm", "20"]
    code, shown, err = lss("prepare", table, *asked, "--out", out, "--no-figures")

    assert code == 0, err
    assert "50 used + 5 rejected = 55 joined; 100 of other conditions" in shown
    master = pd.read_csv(out / MASTER)
    assert master["points"].eq("derived").all()
    assert master["severity"].eq("Severe").all()
    assert json.loads((out / REPORT).read_text())["series"] == {CANAL: "Axial T2"}
    assert pd.read_csv(out / REJECTS)["file"].tolist() == ["train.csv"] * 5


def test_labels_of_the_canal_that_nobody_asked_for_are_refused(tmp_path):
    table = image_table(tmp_path / "in", studies=1, sides=(LEFT, RIGHT))
    with pytest.raises(UsageError, match="--canal-labels would change nothing"):
        prepare(table, tmp_path / "out", PrepareOptions(), canal_labels=labels(tmp_path))


def test_the_crops_show_the_canal_of_two_thousand_levels(rsna):
    table = ImageTable(rsna / "crops.csv", rsna / "train.csv").master_table()
    used = table[(table["condition"] == CANAL) & (table["reason"] == "")]
    assert used["study_id"].nunique() == 440
    assert used["points"].value_counts().to_dict() == {"derived": 1887, "estimated": 197}
    grades = {"Normal/Mild": 1848, "Moderate": 150, "Severe": 86}
    assert used["severity"].value_counts().to_dict() == grades
