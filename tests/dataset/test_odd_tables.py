"""Tables with odd cells: each row is used or rejected, on the files, and none stops the rest."""

import csv
import random

import numpy as np
import pytest

from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepare import MASTER, REJECTS, prepare
from lss_cli.dataset.sources.image_table import ImageTable
from lss_cli.errors import LssError
from lss_cli.model.spec import InputSpec
from tests.dataset.handmade import COLUMNS, image_table, write_csv
from tests.tables import read_rows

ODD = [
    "1e300",
    "-1e300",
    "1e400",
    "nan",
    "inf",
    "-0",
    "9" * 5000,
    "0x10",
    "0",
    "-1",
    "1e9",
    "1e-300",
]
ODD += [
    "",
    " ",
    "\x1b[2J",
    "\n=1+1",
    "=1+1",
    "../../x",
    "a.png",
    "x" * 300,
    "½",
    "\U0001f600",
    "\0",
]
CUT_OUT = ["origin_x", "origin_y", "full_width", "full_height"]


def count(path):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(row["study_id"] or row.get("reason") for row in rows)
    return len(rows)


def check_files(out, table, summary):
    """Used + rejected = joined, counted where they can be read."""
    used, rejected = count(out / MASTER), count(out / REJECTS)
    assert used + rejected == summary.joined == len(ImageTable(table).master_table())
    assert (used, rejected) == (summary.used, sum(summary.rejected.values()))


def test_without_a_rejected_row_the_file_has_its_header_alone(tmp_path):
    table = image_table(tmp_path / "images", studies=3)
    summary = prepare(table, tmp_path / "out", PrepareOptions())
    assert summary.used == summary.joined == 15
    check_files(tmp_path / "out", table, summary)
    assert (tmp_path / "out" / REJECTS).read_text().count("\n") == 1


def test_every_row_of_an_odd_table_is_used_or_rejected_in_the_files(tmp_path, capfd):
    original = read_rows(image_table(tmp_path / "images", studies=2))
    options, refused = PrepareOptions(spec=InputSpec(size=(16, 16), neighbours=0)), 0
    for seed in range(30):
        draw = random.Random(seed)
        rows = [dict(row) for row in original]
        for row in draw.sample(rows, 3):
            if draw.random() < 0.3:
                row.update(dict.fromkeys(CUT_OUT, draw.choice(["0", "100", "1e8", "1e300"])))
            row[draw.choice([*COLUMNS, *CUT_OUT])] = draw.choice(ODD)
        table = write_csv(tmp_path / "images" / "odd.csv", rows, [*COLUMNS, *CUT_OUT])
        try:
            summary = prepare(table, tmp_path / "out", options)
        except LssError as error:
            refused += 1
            assert str(error).isprintable()
        except Exception as fault:
            raise AssertionError(f"seed {seed}") from fault
        else:
            check_files(tmp_path / "out", table, summary)
            assert "\x1b" not in (tmp_path / "out" / REJECTS).read_text()
    assert refused < 10
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("shape", [(30_000, 30_000, 3), (2**40,)])
def test_an_array_that_would_fill_the_memory_is_rejected_unread(tmp_path, shape):
    table = image_table(tmp_path / "images", studies=1)
    rows = read_rows(table)
    rows[0]["image"] = "bomb.npy"
    write_csv(table, rows, COLUMNS)
    with (tmp_path / "images" / "bomb.npy").open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(min(8 * int(np.prod(shape)) + 128, 2**33))
    summary = prepare(table, tmp_path / "out", PrepareOptions())
    assert dict(summary.rejected) == {"image unreadable": 1}
