"""Mistakes of a person at the console are pointed out, each on the levels that it concerns."""

import json

import pytest

from lss_cli.phantom.dataset import write_phantoms
from tests.tables import read_rows, write_rows


@pytest.fixture
def warned(lss, study, coords, tiny_model):
    """Grade after a change of the points; gives the warnings by condition's side and level."""

    def run(change=lambda rows: None):
        rows = read_rows(coords)
        change({(row["condition"].split()[0], row["level"]): row for row in rows})
        write_rows(coords, rows)
        code, out, err = lss(
            "predict", study, "--coords", coords, "--model", tiny_model, "--json", "-"
        )
        assert code == 0, err
        return {
            (level["condition"].split("_")[0], level["level"]): [
                text for text in level["warnings"] if "moves by 2 mm" not in text
            ]
            for level in json.loads(out)["levels"]
        }

    return run


def test_good_points_raise_no_warning(warned):
    assert not any(warned().values())


def test_exchanged_sides(warned):
    def swap(rows):
        left, right = rows["Left", "L3/L4"], rows["Right", "L3/L4"]
        for key in ("x", "y", "instance_number"):
            left[key], right[key] = right[key], left[key]

    by_level = warned(swap)
    assert any(
        "left and right of L3/L4 are exchanged" in text for text in by_level["left", "L3/L4"]
    )
    assert not by_level["left", "L4/L5"]


def test_one_side_alone_on_the_wrong_side_of_the_midline(warned):
    def move(rows):
        row, other = rows["Left", "L4/L5"], rows["Right", "L4/L5"]
        row.update({key: other[key] for key in ("x", "y", "instance_number")})
        other["condition"] = "Spinal Canal Stenosis"

    by_level = warned(move)
    assert "other side of the midline than left" in by_level["left", "L4/L5"][0]


def test_exchanged_levels(warned):
    def swap(rows):
        upper, lower = rows["Left", "L2/L3"], rows["Left", "L3/L4"]
        upper["level"], lower["level"] = lower["level"], upper["level"]

    by_level = warned(swap)
    for level in ("L2/L3", "L3/L4"):
        assert any("L2/L3 lies below L3/L4" in text for text in by_level["left", level])
    assert not by_level["right", "L5/S1"]


def test_a_slice_of_another_disc(warned):
    def move(rows):
        rows["Left", "L3/L4"]["instance_number"] = rows["Left", "L4/L5"]["instance_number"]

    by_level = warned(move)
    assert any("L3/L4 and L4/L5 lie" in text for text in by_level["left", "L3/L4"])
    assert any("left and right of L3/L4 lie" in text for text in by_level["left", "L3/L4"])


def test_a_point_in_the_air(warned):
    def move(rows):
        rows["Left", "L5/S1"].update(x=80, y=157)

    assert any("outside the body" in warning for warning in warned(move)["left", "L5/S1"])


def test_a_point_at_the_edge_of_the_slice(warned):
    def move(rows):
        rows["Right", "L1/L2"].update(x=3)

    assert any("of the field" in warning for warning in warned(move)["right", "L1/L2"])


def test_a_point_in_the_flank(warned):
    def move(rows):
        rows["Left", "L1/L2"]["x"] = float(rows["Left", "L1/L2"]["x"]) + 35

    assert any("mm from the midline" in warning for warning in warned(move)["left", "L1/L2"])


def test_a_sagittal_series_is_refused(lss, tmp_path, tiny_model):
    write_phantoms(tmp_path / "rsna", 1, seed=4, matrix=128, slices=3)
    (study,) = (tmp_path / "rsna" / "train_images").iterdir()
    coords = tmp_path / "rsna" / "train_label_coordinates.csv"
    rows = read_rows(coords)
    sagittal = next(row for row in rows if "Canal" in row["condition"])
    wrong = next(row for row in rows if "Left" in row["condition"])
    wrong.update({key: sagittal[key] for key in ("series_id", "instance_number", "x", "y")})
    write_rows(coords, rows)
    code, out, _ = lss("predict", study, "--coords", coords, "--model", tiny_model, "--json", "-")
    assert code == 4
    assert "is sagittal; left_subarticular_stenosis is graded on axial slices" in out


def test_a_level_that_another_click_would_grade_differently_is_marked(lss, tmp_path):
    write_phantoms(tmp_path / "rsna", 1, seed=12, sagittal=False)
    (study,) = (tmp_path / "rsna" / "train_images").iterdir()
    code, out, _ = lss(
        "predict", study, "--coords", tmp_path / "rsna" / "train_label_coordinates.csv"
    )
    assert code == 0
    # The shipped model leans to Normal/Mild there (62 %), and is sure of L2/L3 (98 %).
    assert "L3/L4 * the grade changes when the point moves by 2 mm" in out
    assert "L2/L3 *" not in out
    assert max(len(line) for line in out.splitlines() if "▸" in line) <= 80
