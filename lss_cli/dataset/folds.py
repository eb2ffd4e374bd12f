"""Prepared data as cross-validation uses them: one fold held out, or all trained on."""

from dataclasses import replace

import numpy as np

from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.split import TEST, TRAIN, VALIDATION
from lss_cli.errors import DataError

# The split of rows that a fold neither learns from nor is measured on.
UNUSED = ""


def fold_names(data: Prepared) -> list[str]:
    """The folds that the data were divided into.

    Raises:
        DataError: There are none.
    """
    names = sorted(set(data.index["fold"]) - {""}, key=lambda name: (len(name), name))
    if len(names) < 2:
        raise DataError(
            "the data are not divided into folds.",
            where=str(data.folder),
            todo="Prepare them with: lss prepare --folds 5",
        )
    return names


def fold_of(data: Prepared, name: str) -> Prepared:
    """The data with one fold for validation, the others for training; the test split stays.

    Mirrored rows are held out with their studies, and are measured as the other side's.
    """
    index = data.index
    test = (index["split"] == TEST).to_numpy()
    here = (index["fold"] == name).to_numpy()
    split = np.select(
        [test, here, (index["fold"] != "").to_numpy()],
        [TEST, VALIDATION, TRAIN],
        default=UNUSED,
    )
    # Where studies were left out, what is held out lacks them too, and speaks for no population.
    report = dict(data.report) | {"fold": name, "population": None}
    return replace(data, index=index.assign(split=split), report=report)


def all_folds(data: Prepared) -> Prepared:
    """The data as the mean of all folds has seen them: what is in a fold was trained on.

    A study with nothing but mirrored rows is in none.
    """
    test, in_fold = data.index["split"] == TEST, data.index["fold"] != ""
    split = np.select([test, in_fold], [TEST, TRAIN], default=UNUSED)
    return replace(data, index=data.index.assign(split=split))
