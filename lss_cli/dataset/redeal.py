"""Deals the training and validation parts of prepared data anew; the test part is never touched.

The ways of `lss prepare --strategy`, for data whose images are made already. All start from one
deal by chance, so that they agree on most validation studies.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lss_cli.dataset.balance import surplus_studies
from lss_cli.dataset.divide import no_equal_grades, strata_of
from lss_cli.dataset.folds import UNUSED
from lss_cli.dataset.options import Strategy
from lss_cli.dataset.prepared import Prepared, count_grades
from lss_cli.dataset.split import TEST, TRAIN, VALIDATION, align_split, split_studies
from lss_cli.errors import DataError


def is_balanced(data: Prepared) -> bool:
    """Whether studies were left out of the training part alone when the data were prepared.

    The validation part then still has their like, and dealing anew would mix them in again.
    """
    report = data.report
    balanced = report["balance"] != "none" and report["balance_scope"] == "training"
    return bool(balanced or report["strategy"] == "equal-train")


def redeal(data: Prepared, strategy: Strategy) -> Prepared:
    """Deal the studies that are not test to training and validation, as many to each as there are.

    ``random`` is the deal of `lss prepare` with the data's seed. ``stratified`` exchanges as few
    studies of it as give both parts the same share of each stratum; ``equal-train`` then leaves
    studies out of the training part. Mirrored rows serve the training only, and there are none of
    studies that were not training before.

    Args:
        data: Prepared data.
        strategy: How to deal.

    Raises:
        DataError: The training part was balanced when the data were prepared, or no choice of
            studies evens out the grades.
    """
    if is_balanced(data):
        raise DataError(
            "studies were left out of the training part when these data were prepared, so it "
            f"cannot be dealt anew ({strategy}).",
            where=str(data.folder),
            todo="Prepare them without --balance and --strategy equal-train.",
        )
    index, seed = data.index, data.report["seed"]
    mirrored = index["condition"] != index["source_condition"]
    own = index[~mirrored & (index["split"] != TEST)]
    sizes = [own["study_id"][own["split"] == part].nunique() for part in (TRAIN, VALIDATION)]
    deal = split_studies(own["study_id"], (*sizes, 0), seed)
    if strategy != "random":
        strata = strata_of(own)
        stratified = split_studies(own["study_id"], (*sizes, 0), seed, strata)
        deal = align_split(stratified, deal, strata)
    dealt = index["study_id"].map(deal).fillna(TRAIN)
    dealt = dealt.mask(mirrored & (dealt == VALIDATION), UNUSED)
    split = dealt.mask(index["split"] == TEST, TEST)
    population = count_grades(index[split == TRAIN])
    if strategy == "equal-train":
        training = index[split == TRAIN]
        surplus = surplus_studies(training, seed)
        if not set(training["study_id"]) - surplus:
            raise no_equal_grades()
        split = split.mask((split == TRAIN) & index["study_id"].isin(surplus), UNUSED)
    report = dict(data.report) | {"population": population}
    return replace(data, index=index.assign(split=split), report=report)


def share_validation(deals: Mapping[str, Prepared]) -> dict[str, Prepared]:
    """Measure all deals by the same rows: those that each of them has for validation.

    What only some have for validation serves none of these.
    """
    common = np.logical_and.reduce(
        [(data.index["split"] == VALIDATION).to_numpy() for data in deals.values()]
    )
    return {
        name: replace(
            data,
            index=data.index.assign(
                split=data.index["split"].mask(
                    (data.index["split"] == VALIDATION) & ~common, UNUSED
                )
            ),
        )
        for name, data in deals.items()
    }
