import pandas as pd

from lss_cli.dataset.exploration.counts import AFTER, BEFORE, explore
from lss_cli.dataset.sources.master_table import Reason

LEFT = "left_subarticular_stenosis"


def table(*reasons: str) -> pd.DataFrame:
    """One row per reason, all Severe at L4/L5, at (10, 20), (20, 40) …"""
    rows = [
        {
            "condition": LEFT,
            "source_condition": LEFT,
            "level": "L4/L5",
            "severity": "Severe",
            "x": str(10 * (n + 1)),
            "y": str(20 * (n + 1)),
            "reason": reason,
        }
        for n, reason in enumerate(reasons)
    ]
    return pd.DataFrame(rows)


SERIES = pd.DataFrame(
    {
        "study_id": ["1", "1", "2", "3"],
        "series_id": ["11", "12", "21", "31"],
        "series_description": ["Axial T2", "axial t2", "Axial T2", "Sagittal T1"],
    }
)


def test_rows_left_out_for_balance_count_before_it_and_others_never():
    rows = table("", "", Reason.NORMAL_STUDY, Reason.NO_LABEL)
    exploration = explore(rows, rows, SERIES, None)
    severe = exploration.severities.loc["Severe"].to_dict()
    assert severe == {BEFORE: 3, AFTER: 2}
    assert exploration.levels.loc["L4/L5"].to_dict() == severe


def test_without_balance_there_is_one_table():
    rows = table("", Reason.NO_LABEL)
    assert list(explore(rows, rows, SERIES, None).by_level) == ["rows"]


def test_series_are_counted_by_study_and_points_in_the_pixels_of_the_files():
    rows = table("", "")
    exploration = explore(rows, rows, SERIES, None)
    assert exploration.axial_series.to_dict() == {1: 1, 2: 1}
    assert exploration.conditions[LEFT] == 2
    assert exploration.unit == "pixels"
    assert exploration.place_summary.loc[LEFT, "y, median"] == 30


def test_every_topic_can_be_shown():
    rows = table("", Reason.SURPLUS_STUDY)
    topics = {topic.name: topic for topic in explore(rows, rows, SERIES, None).topics()}
    assert {"severity-by-level-before", "severity-by-level-after"} < set(topics)
    assert topics["conditions"].rows[0] == [LEFT, "2", "100.0 %"]
    assert all(isinstance(cell, str) for topic in topics.values() for cell in topic.rows[0])
