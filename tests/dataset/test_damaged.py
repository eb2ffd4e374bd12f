"""Damage to what lss prepare wrote: made again by prepare, refused by what trains."""

import json
import random

import numpy as np
import pytest

from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import prepare
from lss_cli.dataset.prepared import COORDS, IMAGES, INDEX, INPUTS, REPORT, Prepared
from lss_cli.errors import DataError
from lss_cli.model.spec import InputSpec
from tests.dataset.handmade import image_table

OPTIONS = PrepareOptions(spec=InputSpec(size=(16, 16)))


@pytest.fixture
def table(tmp_path):
    return image_table(tmp_path / "images", studies=4)


@pytest.fixture
def out(tmp_path, table):
    prepare(table, tmp_path / "out", OPTIONS)
    return tmp_path / "out"


def add_noise(path):
    content = bytearray(path.read_bytes())
    for place in random.Random(0).sample(range(len(content) // 2, len(content)), 20):
        content[place] ^= 0x5A
    path.write_bytes(content)


def cut_short(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def fill_with_zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def swap_pixels(path):
    """As a program would: the file is whole, what it holds is another thing."""
    if path.suffix == ".study":
        whole = path.read_bytes()
        path.write_bytes(whole[:-1000] + whole[:-1001:-1])
    elif path.suffix == ".npy":
        np.save(path, np.load(path)[::-1] / 2)
    else:
        path.write_text(path.read_text().replace("Severe", "Moderate"))


def claim_much(path):
    """A header that claims 16 TiB, in front of a file with a hole that has 8 GiB."""
    with path.open("wb") as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": (2**43,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(2**33)


DAMAGES = [add_noise, cut_short, empty, fill_with_zeros, swap_pixels]


def files(out):
    return {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("damage", DAMAGES)
def test_prepare_makes_damaged_inputs_again(table, out, damage):
    whole = files(out)
    for path in (out / INPUTS).glob("*.study"):
        damage(path)
    prepare(table, out, OPTIONS)
    assert files(out) == whole


@pytest.mark.parametrize("name", [IMAGES, COORDS, INDEX])
@pytest.mark.parametrize("damage", [*DAMAGES, claim_much])
def test_what_trains_refuses_damaged_data_and_prepare_mends_them(table, out, name, damage):
    whole = files(out)
    if damage is claim_much and name == INDEX:
        return
    damage(out / name)
    with pytest.raises(DataError, match="Make them again with lss prepare") as caught:
        Prepared.open(out)
    assert str(out) in str(caught.value)
    prepare(table, out, OPTIONS)
    assert files(out) == whole
    assert len(Prepared.open(out).index) == 20


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "null", "5", "[" * 100_000, "\0", '{"tables_only": false}'),
        *('{"tables_only": false, "input": []}', '{"tables_only": false, "input": {"view": 1}}'),
    ],
)
def test_a_damaged_report_is_no_report(out, text):
    (out / REPORT).write_text(text)
    with pytest.raises(DataError, match="Make them again"):
        Prepared.open(out)


def test_entries_of_the_report_may_be_anything(out):
    report = json.loads((out / REPORT).read_text())
    for key in report:
        for value in (None, [], {}, "\x1b", 1e300, True):
            (out / REPORT).write_text(json.dumps(report | {key: value}))
            try:
                Prepared.open(out)
            except DataError as error:
                assert str(error).isprintable()
