"""Divides the master table into splits and folds and balances it, from the tables alone."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from lss_cli.dataset.balance import all_normal, severity_counts, surplus_studies
from lss_cli.dataset.options import Balance, PrepareOptions
from lss_cli.dataset.sources.master_table import Reason, reject, usable
from lss_cli.dataset.split import TEST, TRAIN, Strata, fold_studies, split_studies
from lss_cli.errors import DataError, UsageError

# The reasons that balancing gives.
BALANCED_AWAY = (Reason.NORMAL_STUDY, Reason.SURPLUS_STUDY)


def divide_studies(table: pd.DataFrame, options: PrepareOptions) -> pd.DataFrame:
    """Assign splits and folds, and reject what balancing leaves out.

    The conditions asked for decide alone about splits and folds, so that the same studies are held
    out with and without `--mirror`; a study that has nothing but mirrored rows can only serve the
    training.

    Args:
        table: The master table with ``source_condition`` and ``mirror``.
        options: What to do.

    Returns:
        A copy with ``split`` and ``fold``, which is empty without folds, and with ``population``:
        whether a row belonged to the training part before that was balanced.

    Raises:
        DataError: Nothing would be left after balancing.
        UsageError: There are fewer studies than folds.
    """
    table = table.copy()
    if options.balance_scope == "all":
        _balance(table, np.ones(len(table), bool), options.balance, options.seed)
    own = table[usable(table) & ~table["mirror"]]
    strata = None if options.strategy == "random" else strata_of(own)
    split = split_studies(own["study_id"], options.proportions, options.seed, strata)
    table["split"] = [split.get(study, TRAIN) for study in table["study_id"]]
    held_out = table["mirror"] & (table["split"] != TRAIN)
    reject(table, held_out, Reason.MIRRORED_HELD_OUT, table["split"])
    training = (table["split"] == TRAIN).to_numpy()
    table["population"] = usable(table) & training
    if options.balance_scope == "training":
        _balance(table, training, options.balance, options.seed)
    if options.strategy == "equal-train":
        _balance(table, training, "equal", options.seed)
    return table.assign(fold=_folds(table, options))


def _folds(table: pd.DataFrame, options: PrepareOptions) -> list[str] | str:
    if not options.folds:
        return ""
    rest = table[usable(table) & ~table["mirror"] & (table["split"] != TEST)]
    studies = rest["study_id"].nunique()
    if options.folds > studies:
        raise UsageError(
            f"--folds is {options.folds}, and {studies} studies are not test.",
            todo="Ask for fewer folds.",
        )
    strata = None if options.strategy == "random" else strata_of(rest)
    fold = fold_studies(rest["study_id"], options.folds, options.seed, strata)
    # Studies of the test split have none, nor those with nothing but mirrored rows.
    return [fold.get(study, "") for study in table["study_id"]]


def strata_of(rows: pd.DataFrame) -> Strata:
    """Studies with the same numbers of Severe, Moderate and Normal/Mild rows are alike."""
    counts = severity_counts(rows).iloc[:, ::-1]
    return {str(study): tuple(map(int, row)) for study, *row in counts.itertuples()}


def _balance(
    table: pd.DataFrame, scope: npt.NDArray[np.bool_], balance: Balance, seed: int
) -> None:
    if balance == "drop-normal-studies":
        reject(table, scope & all_normal(table).to_numpy(), Reason.NORMAL_STUDY)
    if balance == "equal":
        rows = table[usable(table) & scope]
        if rows.empty:
            return
        surplus = surplus_studies(rows, seed)
        if not set(rows["study_id"]) - surplus:
            raise no_equal_grades()
        reject(table, scope & table["study_id"].isin(surplus).to_numpy(), Reason.SURPLUS_STUDY)


def no_equal_grades() -> DataError:
    """What to say where no study would be left."""
    return DataError(
        "no choice of whole studies has the same number of each grade.",
        todo="Use --balance none or drop-normal-studies, and another --strategy.",
    )
