from dataclasses import replace

import pytest

from lss_cli.anatomy import Severity
from lss_cli.dataset.balance import severity_counts
from lss_cli.dataset.divide import divide_studies
from lss_cli.dataset.folds import UNUSED
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.redeal import redeal, share_validation
from lss_cli.dataset.sources.master_table import usable
from lss_cli.dataset.split import TEST, TRAIN, VALIDATION
from lss_cli.errors import DataError
from lss_cli.model.spec import InputSpec
from tests.dataset.test_divide import table_of

STRATEGIES = ("random", "stratified", "equal-train")
GRADES = list(map(str, Severity))


def prepared(**options) -> Prepared:
    """Data as `lss prepare` divides them, without images; most studies are all Normal/Mild."""
    chosen = PrepareOptions(proportions=(60, 20, 20), mirror=True, **options)
    patterns = [[0] * 5] * 4 + [[0, 0, 1, 1, 0], [0, 2, 1, 2, 1], [0, 1, 2, 2, 2]]
    studies = {
        f"s{number}": [GRADES[grade] for grade in patterns[number % len(patterns)]]
        for number in range(210)
    }
    table = divide_studies(table_of(studies, mirror=True), chosen)
    report = {
        "seed": chosen.seed,
        "balance": chosen.balance,
        "balance_scope": chosen.balance_scope,
        "strategy": chosen.strategy,
    }
    spec = InputSpec()
    return Prepared(None, report, spec, table[usable(table)].reset_index(drop=True), None, None)


def studies_of(data: Prepared, split: str) -> set[str]:
    own = data.index["condition"] == data.index["source_condition"]
    return set(data.index["study_id"][own & (data.index["split"] == split)])


def test_dealing_by_chance_is_what_prepare_did():
    data = prepared()
    assert redeal(data, "random").index["split"].tolist() == data.index["split"].tolist()
    stratified = prepared(strategy="stratified")
    again = redeal(stratified, "random")
    assert studies_of(again, VALIDATION) != studies_of(stratified, VALIDATION)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_test_part_stays_and_no_study_is_on_both_sides(strategy):
    data = prepared()
    dealt = redeal(data, strategy)
    test = (data.index["split"] == TEST).to_numpy()
    assert ((dealt.index["split"] == TEST).to_numpy() == test).all()
    parts = [
        set(dealt.index["study_id"][dealt.index["split"] == part]) for part in (TRAIN, VALIDATION)
    ]
    assert not parts[0] & parts[1]
    assert len(studies_of(dealt, VALIDATION)) == len(studies_of(data, VALIDATION))
    # Of a study that moved to the validation part the mirrored rows serve nothing.
    mirrored = dealt.index["condition"] != dealt.index["source_condition"]
    assert set(dealt.index["split"][mirrored]) <= {TRAIN, UNUSED}


def test_stratified_gives_each_part_its_share_of_every_stratum_and_moves_few_studies():
    data = prepared()
    dealt = redeal(data, "stratified")
    rest = data.index[
        (data.index["split"] != TEST) & (data.index["condition"] == data.index["source_condition"])
    ]
    counts = severity_counts(rest)
    held_out = studies_of(dealt, VALIDATION)
    share = len(held_out) / len(counts)
    for _, stratum in counts.groupby(list(counts.columns)):
        assert abs(len(held_out & set(stratum.index)) - share * len(stratum)) <= 1
    kept = held_out & studies_of(data, VALIDATION)
    assert len(kept) >= 0.7 * len(held_out)


def test_equal_train_leaves_studies_out_of_the_training_part_alone():
    data = prepared()
    stratified, equal = redeal(data, "stratified"), redeal(data, "equal-train")
    assert studies_of(equal, VALIDATION) == studies_of(stratified, VALIDATION)
    counts = equal.index["severity"][equal.index["split"] == TRAIN].value_counts()
    assert counts.max() - counts.min() <= 0.1 * counts.max()
    assert studies_of(equal, TRAIN) < studies_of(stratified, TRAIN)
    before = stratified.index["severity"][stratified.index["split"] == TRAIN].value_counts()
    assert equal.report["population"] == before.to_dict()


def test_all_ways_are_measured_by_the_same_rows():
    data = prepared()
    deals = share_validation({strategy: redeal(data, strategy) for strategy in STRATEGIES})
    rows = [deal.rows(VALIDATION).tolist() for deal in deals.values()]
    assert rows[0] == rows[1] == rows[2]
    assert len(rows[0]) >= 0.7 * len(data.rows(VALIDATION))
    for deal in deals.values():
        measured = set(deal.index["study_id"].iloc[rows[0]])
        assert not measured & studies_of(deal, TRAIN)
        assert not measured & studies_of(deal, TEST)


@pytest.mark.parametrize(
    "options", [{"balance": "drop-normal-studies"}, {"strategy": "equal-train"}]
)
def test_a_balanced_training_part_is_not_mixed_with_what_was_left_out_of_it(options):
    with pytest.raises(DataError, match="left out of the training part"):
        redeal(prepared(**options), "random")
    everything = replace(
        prepared(), report=prepared().report | {"balance": "equal", "balance_scope": "all"}
    )
    redeal(everything, "random")
