import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lss_cli.anatomy import Level, Severity
from lss_cli.dataset import prepared
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.dataset.prepared import Prepared, fingerprint
from lss_cli.errors import DataError
from lss_cli.model.spec import InputSpec
from tests.dataset.handmade import LEFT, RIGHT, image_table

SPEC = InputSpec(size=(16, 16), field_mm=(24, 24), shift_mm=6)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    source = image_table(folder / "in", studies=10, sides=(LEFT, RIGHT))
    prepare(source, folder / "out", PrepareOptions(spec=SPEC, mirror=True))
    return folder / "out"


@pytest.fixture
def copy(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_columns_become_ordinals(made):
    data = Prepared.open(made)
    assert [list(Severity)[n] for n in data.severities] == data.index["severity"].tolist()
    assert [list(Level)[n] for n in data.levels] == data.index["level"].tolist()


def test_the_point_lies_away_from_the_midline(made):
    """A mirrored right side takes the place of a left one, whose midline lies to its left."""
    data = Prepared.open(made)
    assert data.points(np.arange(len(data.index))) == pytest.approx(
        np.full((len(data.index), 2), (0.5 + 6 / 24, 0.5))
    )


def test_rows_are_those_of_a_split(made):
    data = Prepared.open(made)
    rows = {split: data.rows(split) for split in ("train", "validation", "test")}
    assert sorted(np.concatenate(list(rows.values()))) == list(range(len(data.index)))
    assert set(data.index["split"].iloc[rows["test"]]) == {"test"}


def test_the_fingerprint_is_that_of_all_bytes(tmp_path, made):
    for name, text in (("a", "12"), ("b", "3"), ("c", "123")):
        (tmp_path / name).write_text(text)
    assert fingerprint(tmp_path / "a", tmp_path / "b") == fingerprint(tmp_path / "c")
    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "b")
    files = [made / name for name in (prepared.IMAGES, prepared.COORDS, prepared.INDEX)]
    assert Prepared.open(made).report["fingerprint"] == fingerprint(*files)


def test_training_needs_the_arrays_and_not_the_files_of_the_studies(copy):
    for path in (copy / prepared.INPUTS).glob("*.study"):
        path.unlink()
    data = Prepared.open(copy)
    assert len(data.inputs(np.arange(len(data.index)))["image"]) == len(data.index)


def test_files_that_do_not_belong_together_are_refused(copy):
    np.save(copy / prepared.COORDS, np.zeros((3, 2), np.float32))
    with pytest.raises(DataError, match="do not belong together"):
        Prepared.open(copy)


@pytest.mark.parametrize("name", [prepared.IMAGES, prepared.COORDS, prepared.INDEX])
@pytest.mark.parametrize("damage", [None, b"", b"\x93NUMPY"])
def test_a_missing_or_broken_file_is_said(copy, name, damage):
    (copy / name).unlink()
    if damage is not None:
        (copy / name).write_bytes(damage)
    with pytest.raises(DataError, match=r"cannot be read.*Make them again with lss prepare"):
        Prepared.open(copy)


def test_a_report_of_something_else_is_refused(copy):
    (copy / prepared.REPORT).write_text(json.dumps({"tables_only": False}))
    with pytest.raises(DataError, match="cannot be read"):
        Prepared.open(copy)


def test_what_is_kept_around_a_field_is_for_training_alone(made, copy):
    data, rows = Prepared.open(made), np.arange(4)
    inputs, wide = data.inputs(rows), data.inputs(rows, wide=True)
    left, top = data.margin
    assert min(data.margin) > 0
    assert wide["image"].shape[1:3] == (16 + 2 * top, 16 + 2 * left)
    assert (wide["image"][:, top:-top, left:-left] == inputs["image"]).all()
    # Data of before have no margin.
    np.save(copy / prepared.IMAGES, data.images[:, top:-top, left:-left])
    old = Prepared.read(copy, SPEC)
    assert old.margin == (0, 0)
    assert (old.inputs(rows)["image"] == inputs["image"]).all()
    assert (old.inputs(rows, wide=True)["image"] == inputs["image"]).all()
    np.save(copy / prepared.IMAGES, data.images[:, 1:])
    with pytest.raises(ValueError, match="do not belong together"):
        Prepared.read(copy, SPEC)
