"""Prior correction: answers of networks whose training part was resampled by grade.

A network trained on a part with grade frequencies π_train answers for data with these. Where they
are π_population, a probability p has to be p · π_population / π_train, renormalised (Saerens et
al., "Adjusting the Outputs of a Classifier to New a Priori Probabilities", Neural Computation
2002).
"""

import numpy as np

from lss_cli.anatomy import Severity
from lss_cli.dataset.prepared import Prepared, count_grades
from lss_cli.dataset.redeal import is_balanced
from lss_cli.dataset.split import TRAIN
from lss_cli.training.losses import Weights


def prior_shift(data: Prepared) -> Weights:
    """By what resampling multiplied the frequency of each grade; ones where it did not.

    The population is the training part before it was resampled: of the parts that were dealt it is
    the largest, and nothing that is held out is looked at.
    """
    population = data.report.get("population")
    if not population:
        return np.ones(len(Severity))
    before = np.array([population[str(grade)] for grade in Severity], float)
    counts = count_grades(data.index.iloc[data.rows(TRAIN)])
    now = np.array([counts[str(grade)] for grade in Severity], float)
    # A grade that is not there can be neither learnt nor corrected.
    there = (before > 0) & (now > 0)
    shift = np.where(there, now, 1) / np.where(there, before, 1) * before.sum() / now.sum()
    return np.where(there, shift, 1.0)


def explain_missing_prior(data: Prepared) -> str:
    """What to tell of data that were resampled and do not say from what; nothing of others."""
    if data.report.get("population") or not is_balanced(data):
        return ""
    return (
        "Note: studies were left out of the training part, and it is not known how frequent the "
        "grades were before: the probabilities will be those of the resampled part. Prepare the "
        "data anew, and train without --folds, to have them corrected."
    )
