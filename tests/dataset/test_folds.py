from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lss_cli.dataset.folds import UNUSED, all_folds, fold_names, fold_of
from lss_cli.dataset.prepared import Prepared
from lss_cli.errors import DataError
from lss_cli.model.spec import InputSpec

COLUMNS = ["study_id", "condition", "source_condition", "split", "fold"]


def data_of(*rows: tuple[str, str, str, str, str]) -> Prepared:
    index = pd.DataFrame(rows, columns=COLUMNS)
    arrays = np.zeros((0, 80, 64, 3)), np.zeros((0, 2), np.float32)
    return Prepared(Path("prepared"), {}, InputSpec(), index, *arrays)


@pytest.fixture
def data() -> Prepared:
    return data_of(
        ("1", "left", "left", "train", "0"),
        ("1", "left", "right", "train", "0"),
        ("2", "left", "left", "validation", "1"),
        ("3", "left", "left", "train", "1"),
        ("3", "left", "right", "train", "1"),
        ("4", "left", "left", "test", ""),
        ("5", "left", "right", "train", ""),
    )


def test_one_fold_is_held_out_with_its_mirrored_rows(data):
    held_out = fold_of(data, "0")
    assert held_out.report["fold"] == "0"
    assert held_out.index["split"].tolist() == [
        *("validation", "validation", "train", "train", "train", "test", UNUSED)
    ]
    assert data.index["split"].iloc[0] == "train"


def test_every_row_that_can_be_is_held_out_once(data):
    splits = [fold_of(data, name).index["split"] for name in fold_names(data)]
    held_out = sum((split == "validation").astype(int) for split in splits)
    assert held_out.tolist() == [1, 1, 1, 1, 1, 0, 0]


def test_together_the_folds_have_seen_what_is_in_one_of_them(data):
    together = all_folds(data).index["split"]
    assert together.tolist() == [*["train"] * 5, "test", UNUSED]
    trained = [fold_of(data, name).index["split"] == "train" for name in fold_names(data)]
    assert ((trained[0] | trained[1]) == (together == "train")).all()


def test_folds_are_sorted_as_numbers():
    rows = [(str(n), "left", "left", "train", str(n)) for n in (10, 9, 2)]
    assert fold_names(data_of(*rows)) == ["2", "9", "10"]


def test_data_without_folds_are_refused():
    with pytest.raises(DataError, match="lss prepare --folds 5"):
        fold_names(data_of(("1", "left", "left", "train", "")))
