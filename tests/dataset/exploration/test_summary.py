import pandas as pd

from lss_cli.dataset.exploration.counts import explore
from lss_cli.dataset.exploration.summary import count_rejected, summarize
from lss_cli.dataset.sources.master_table import Reason

ROWS = pd.DataFrame(
    {
        "study_id": ["1", "1", "2", "3", "3"],
        "condition": "left_subarticular_stenosis",
        "source_condition": "left_subarticular_stenosis",
        "series_description": "axial t2",
        "level": "L4/L5",
        "severity": ["Severe", "Moderate", "Severe", "Severe", ""],
        "split": ["train", "train", "test", "train", "train"],
        "population": [True, True, False, True, True],
        "x": "1",
        "y": "1",
        "reason": ["", "", "", Reason.DUPLICATE, Reason.NO_LABEL],
    }
)
SERIES = pd.DataFrame({"study_id": [], "series_id": [], "series_description": []}, dtype=str)


def test_used_and_rejected_are_all():
    summary = summarize(ROWS, 7, explore(ROWS, ROWS, SERIES, None))
    assert summary.used + sum(summary.rejected.values()) == summary.joined == 5
    assert summary.other_conditions == 7
    none = {"studies": 0, "rows": 0, "Normal/Mild": 0, "Moderate": 0, "Severe": 0}
    assert summary.splits == {
        "train": none | {"studies": 1, "rows": 2, "Moderate": 1, "Severe": 1},
        "validation": none,
        "test": none | {"studies": 1, "rows": 1, "Severe": 1},
    }
    assert summary.population == {"Normal/Mild": 0, "Moderate": 1, "Severe": 1}


def test_the_most_frequent_reason_comes_first():
    more = pd.concat([ROWS, ROWS[ROWS["reason"] == Reason.NO_LABEL]])
    assert list(count_rejected(more).items()) == [("no label", 2), ("duplicate", 1)]
