import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lss_cli.dataset.sources.base import PointRef
from lss_cli.dataset.sources.image_table import ImageTable, direction
from lss_cli.dataset.sources.master_table import Unusable
from tests.dataset.handmade import LEFT, RIGHT, write_csv

RED_GREEN_BLUE = np.dstack([np.full((30, 40), value, np.uint8) for value in (10, 20, 30)])


def row(**changes) -> dict:
    return {
        "image": "a.png",
        "study_id": "1",
        "series_id": "11",
        "instance_number": "5",
        "condition": LEFT,
        "level": "L1/L2",
        "severity": "Severe",
        "x": "10",
        "y": "20",
    } | changes


def table(folder, *rows) -> ImageTable:
    Image.fromarray(RED_GREEN_BLUE).save(folder / "a.png")
    return ImageTable(write_csv(folder / "t.csv", list(rows)))


def at(source: ImageTable, neighbours=1, **place):
    place = {"line": 2, "series_id": "11", "instance_number": 5, "x": 10.0, "y": 20.0} | place
    return source.open_study("1").at(PointRef(**place), neighbours)


@pytest.mark.parametrize(
    ("levels", "instances", "expected"),
    [
        (["L1/L2", "L3/L4", "L5/S1"], [2, 9, 30], 1),
        (["L1/L2", "L3/L4", "L5/S1"], [30, 9, 2], -1),
        (["L5/S1", "L1/L2"], [30, 2], 1),
        (["L1/L2", "L1/L2", "L2/L3"], [4, 5, 5], 1),
        (["L1/L2", "L2/L3", "L3/L4"], [2, 9, 5], 0),
        (["L1/L2", "L1/L2"], [2, 9], 0),
        (["L1/L2", "?"], [2, 9], 0),
        (["L1/L2", "L2/L3"], [3, np.nan], 0),
    ],
)
def test_the_levels_tell_the_direction(levels, instances, expected):
    assert direction(pd.Series(levels), pd.Series(instances, dtype=float)) == expected


def test_channels_run_head_to_feet(tmp_path):
    below = {"level": "L5/S1", "severity": "Severe", "condition": RIGHT}
    head_first, _ = at(table(tmp_path, row(), row(instance_number="9", **below)))
    assert head_first.pixels[:, 0, 0].tolist() == [10, 20, 30]
    feet_first, _ = at(table(tmp_path, row(), row(instance_number="1", **below)))
    assert feet_first.pixels[:, 0, 0].tolist() == [30, 20, 10]

    source = table(tmp_path, row(), row(series_id="12", instance_number="9"))
    assert not source.order_known("11", "1")
    assert at(source)[0].pixels[:, 0, 0].tolist() == [10, 20, 30]


def test_a_cut_out_knows_its_place(tmp_path):
    where = {"origin_x": "100", "origin_y": "50", "full_width": "340", "full_height": "300"}
    slices, point = at(table(tmp_path, row(**where)))
    assert point == (110, 70)
    assert slices.origin == (100, 50)
    assert slices.full_size == (340, 300)
    assert slices.spacing_mm == (0.5, 0.5)


def test_a_given_spacing_counts(tmp_path):
    slices, point = at(table(tmp_path, row(pixel_spacing_mm="0.7")))
    assert slices.spacing_mm == (0.7, 0.7)
    assert slices.full_size == (40, 30)
    assert point == (10, 20)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("b.tif", lambda path: Image.fromarray(RED_GREEN_BLUE[..., 0]).save(path)),
        ("b.png", lambda path: Image.fromarray(np.full((30, 40), 9000, np.uint16)).save(path)),
        ("b.jpg", lambda path: Image.fromarray(RED_GREEN_BLUE[..., 0]).save(path)),
        ("b.npy", lambda path: np.save(path, np.ones((30, 40), np.int16))),
    ],
)
def test_single_slices_serve_without_neighbours(tmp_path, name, save):
    save(tmp_path / name)
    source = table(tmp_path, row(image=name))
    assert at(source, neighbours=0)[0].pixels.shape == (1, 30, 40)
    with pytest.raises(Unusable, match="too few"):
        at(source, neighbours=1)


def test_an_array_may_hold_five_slices(tmp_path):
    np.save(tmp_path / "b.npy", np.arange(30 * 40 * 5).reshape(30, 40, 5))
    slices, _ = at(table(tmp_path, row(image="b.npy")), neighbours=2)
    assert slices.pixels[:, 0, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("none.png", None, "image missing"),
        ("b.png", b"no picture", "image unreadable: it is no PNG, JPEG or TIFF image"),
        ("b.npy", b"no array", "image unreadable"),
        ("b.gif", b"GIF89a", "image unreadable"),
    ],
)
def test_an_image_that_cannot_be_read(tmp_path, name, content, reason):
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Unusable) as caught:
        at(table(tmp_path, row(image=name)))
    assert f"{caught.value.reason}: {caught.value.detail}".startswith(reason)


def test_a_truncated_image_is_unreadable(tmp_path):
    source = table(tmp_path, row(image="b.png"))
    noise = np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "b.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:200])
    with pytest.raises(Unusable, match="unreadable"):
        at(source)


def test_pickled_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "b.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(Unusable, match="unreadable"):
        at(table(tmp_path, row(image="b.npy")))


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    Image.new("L", (10000, 9500)).save(tmp_path / "b.png")
    with pytest.raises(Unusable, match="10000 × 9500"):
        at(table(tmp_path, row(image="b.png")))


@pytest.mark.parametrize("place", [{"x": -1.0}, {"x": 39.6}, {"y": 30.0}])
def test_a_point_outside_the_image_is_refused(tmp_path, place):
    with pytest.raises(Unusable, match="point outside"):
        at(table(tmp_path, row()), **place)


def test_a_link_cannot_lead_out_of_the_folder(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    Image.fromarray(RED_GREEN_BLUE).save(tmp_path / "secret.png")
    (inner / "b.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(Unusable, match="out of the table's folder"):
        at(table(inner, row(image="b.png")))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image": "../a.png"}, "image path leads out of the table's folder"),
        ({"image": "/etc/passwd"}, "image path leads out of the table's folder"),
        ({"annotated_instance": "7"}, "more than one slice from the annotated one"),
        ({"annotated_instance": "x"}, "not a number"),
        ({"origin_x": "4"}, "not a number"),
        ({"pixel_spacing_mm": "wide"}, "not a number"),
        ({"severity": ""}, "no label"),
        ({"x": ""}, "no point"),
        ({"level": "T12"}, "unknown level"),
        ({"annotated_instance": "6"}, ""),
    ],
)
def test_each_broken_row_has_its_reason(tmp_path, changes, reason):
    columns = {"annotated_instance": "", "origin_x": ""}
    assert table(tmp_path, row(**columns | changes)).master_table()["reason"].tolist() == [reason]


def test_the_same_point_twice_counts_once(tmp_path):
    joined = table(tmp_path, row(), row(severity="Moderate")).master_table()
    assert joined["reason"].tolist() == ["", "duplicate"]
