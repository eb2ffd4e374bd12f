import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lss_cli.anatomy import Level, Severity
from lss_cli.dataset.divide import divide_studies
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.sources.master_table import Reason, usable
from lss_cli.dataset.split import SPLITS, TEST, TRAIN, VALIDATION
from lss_cli.errors import DataError, UsageError

GRADES = list(map(str, Severity))


def table_of(studies: dict[str, list[str]], mirror: bool = False) -> pd.DataFrame:
    """Rows of the left side (and, mirrored, the right one); an empty grade is a missing label."""
    rows = [
        {
            "study_id": study,
            "source_condition": f"{side}_subarticular_stenosis",
            "condition": "left_subarticular_stenosis",
            "mirror": side == "right",
            "level": str(level),
            "severity": grade,
            "reason": "" if grade else str(Reason.NO_LABEL),
            "detail": "",
        }
        for study, grades in studies.items()
        for side in (("left", "right") if mirror else ("left",))
        for level, grade in zip(Level, grades, strict=False)
    ]
    names = ["study_id", "source_condition", "condition", "mirror", "level", "severity"]
    return pd.DataFrame(rows, columns=[*names, "reason", "detail"]).astype({"mirror": bool})


def mixed(count: int) -> dict[str, list[str]]:
    """Every third study is all Normal/Mild."""
    return {
        f"s{number}": [GRADES[0]] * 5
        if number % 3 == 0
        else [GRADES[(number * step) % 3] for step in range(5)]
        for number in range(count)
    }


studies = st.dictionaries(
    st.integers(0, 999).map(str),
    st.lists(st.sampled_from([*GRADES, ""]), min_size=1, max_size=5),
    min_size=1,
    max_size=40,
)
options = st.builds(
    PrepareOptions,
    mirror=st.booleans(),
    balance=st.sampled_from(["none", "drop-normal-studies"]),
    proportions=st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)),
    strategy=st.sampled_from(["random", "stratified"]),
    seed=st.integers(0, 99),
)


@settings(deadline=None, max_examples=80)
@given(studies, options)
def test_for_any_table_studies_stay_whole_and_parts_have_their_share(studies, options):
    table = table_of(studies, options.mirror)
    divided = divide_studies(table, options)

    assert len(divided) == len(table)
    assert (divided.groupby("study_id")["split"].nunique() == 1).all()
    assert divided.loc[divided["mirror"] & usable(divided), "split"].isin([TRAIN]).all()

    own = divided[table["reason"].eq("") & ~table["mirror"]]
    count = own["study_id"].nunique()
    for split, weight in zip(SPLITS, options.proportions, strict=True):
        share = count * weight / sum(options.proportions)
        assert abs(own.loc[own["split"] == split, "study_id"].nunique() - share) < 1

    shuffled = divide_studies(table.sample(frac=1, random_state=options.seed), options)
    assert shuffled.sort_index()[["split", "reason"]].equals(divided[["split", "reason"]])


@settings(deadline=None, max_examples=60)
@given(studies, st.sampled_from(["random", "stratified"]), st.integers(2, 5))
def test_folds_divide_what_is_not_test(studies, strategy, folds):
    chosen = PrepareOptions(proportions=(80, 0, 20), strategy=strategy, folds=folds)
    try:
        divided = divide_studies(table_of(studies), chosen)
    except UsageError:
        return
    assert (divided.groupby("study_id")["fold"].nunique() == 1).all()
    used = divided[usable(divided)]
    assert used.loc[used["split"] == TEST, "fold"].eq("").all()
    sizes = used[used["split"] != TEST].groupby("fold")["study_id"].nunique()
    assert list(sizes.index) == [str(fold) for fold in range(folds)]
    assert sizes.max() - sizes.min() <= 1


def test_a_stratified_split_keeps_the_proportions_of_the_grades():
    rng = random.Random(1)
    table = table_of({str(n): rng.choices(GRADES, [70, 20, 10], k=5) for n in range(300)})
    divided = divide_studies(
        table, PrepareOptions(strategy="stratified", proportions=(70, 15, 15), folds=5)
    )
    whole = divided["severity"].value_counts(normalize=True)
    for column in ("split", "fold"):
        for name, rows in divided[divided[column] != ""].groupby(column):
            share = rows["severity"].value_counts(normalize=True)
            assert share.to_dict() == pytest.approx(whole.to_dict(), abs=0.02), name


def test_balancing_the_training_leaves_the_other_parts_as_they_are():
    table = table_of(mixed(90))
    plain = divide_studies(table, PrepareOptions())
    divided = divide_studies(table, PrepareOptions(balance="drop-normal-studies"))
    assert divided["split"].equals(plain["split"])
    dropped = divided[divided["reason"] == Reason.NORMAL_STUDY]
    assert set(dropped["split"]) == {TRAIN}
    assert {int(study[1:]) % 3 for study in dropped["study_id"]} == {0}
    assert (divided[usable(divided)].query("split != 'train'")["severity"] == GRADES[0]).any()


def test_balancing_everything_comes_before_the_split():
    divided = divide_studies(
        table_of(mixed(90)), PrepareOptions(balance="drop-normal-studies", balance_scope="all")
    )
    used = divided[usable(divided)]
    assert used.groupby("split")["study_id"].nunique().to_dict() == {
        TRAIN: 48,
        VALIDATION: 6,
        TEST: 6,
    }


@pytest.mark.parametrize(
    "options",
    [
        PrepareOptions(strategy="equal-train"),
        PrepareOptions(balance="equal"),
        PrepareOptions(balance="equal", balance_scope="all", proportions=(1, 0, 0)),
    ],
)
def test_equal_grades_in_training(options):
    rng = random.Random(2)
    table = table_of({str(n): rng.choices(GRADES, [70, 20, 10], k=5) for n in range(300)})
    divided = divide_studies(table, options)
    used = divided[usable(divided)]
    counts = used[used["split"] == TRAIN]["severity"].value_counts()
    assert counts.max() - counts.min() <= 1
    assert counts.min() > 40
    held_out = used[used["split"] != TRAIN]["severity"].value_counts(normalize=True)
    if len(held_out):
        assert held_out[GRADES[0]] == pytest.approx(0.7, abs=0.07)


def test_mirrored_rows_follow_their_study():
    table = table_of(mixed(30), mirror=True)
    plain = divide_studies(table_of(mixed(30)), PrepareOptions(folds=3))
    divided = divide_studies(table, PrepareOptions(mirror=True, folds=3))
    for column in ("split", "fold"):
        assert (
            divided.groupby("study_id")[column].first().to_dict()
            == plain.groupby("study_id")[column].first().to_dict()
        )
    held_out = divided[divided["mirror"] & (divided["split"] != TRAIN)]
    assert set(held_out["reason"]) == {str(Reason.MIRRORED_HELD_OUT)}


def test_what_cannot_be_balanced_is_said():
    table = table_of({"a": [GRADES[0]] * 5, "b": [GRADES[1]]})
    with pytest.raises(DataError, match="same number of each grade"):
        divide_studies(table, PrepareOptions(balance="equal", proportions=(1, 0, 0)))


def test_more_folds_than_studies_are_refused():
    with pytest.raises(UsageError, match="2 studies are not test"):
        divide_studies(table_of(mixed(2)), PrepareOptions(folds=3, proportions=(1, 0, 0)))


@pytest.mark.parametrize(
    "options",
    [{"strategy": "equal-train"}, {"balance": "equal"}, {"balance": "drop-normal-studies"}, {}],
)
def test_the_population_is_the_training_part_before_it_was_balanced(options):
    kinds = ["00000", "00110", "02121", "01222"]
    studies = {f"s{n}": [GRADES[int(grade)] for grade in kinds[n % 4]] for n in range(60)}
    table = table_of(studies, mirror=True)
    strategy = "random" if "balance" in options else "stratified"
    whole = divide_studies(table, PrepareOptions(mirror=True, strategy=strategy))
    balanced = divide_studies(
        table, PrepareOptions(mirror=True, **{"strategy": strategy} | options)
    )
    before = usable(whole) & (whole["split"] == TRAIN)
    assert (balanced["population"] == before).all()
    training = usable(balanced) & (balanced["split"] == TRAIN)
    assert (training.sum() < before.sum()) == bool(options)
