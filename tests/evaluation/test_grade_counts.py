import numpy as np
import pandas as pd
import pytest

from lss_cli.evaluation.baselines import Baselines
from lss_cli.evaluation.grade_counts import GradeCounts
from lss_cli.evaluation.predictions import Predictions
from tests.evaluation.handmade import rows

PART = {"Normal/Mild": 7, "Moderate": 2, "Severe": 1, "rows": 10, "studies": 2}


def baselines(training):
    table = pd.DataFrame(rows()).assign(row_id="")
    return Baselines.fit(Predictions("p", table, GradeCounts.of_model(training)))


def test_a_model_file_that_knows_its_levels_gives_all_baselines():
    counted = GradeCounts.of_rows(pd.DataFrame(rows()), "training part")
    read = GradeCounts.of_model({"levels": counted.to_json(), "parts": {"train": PART}})
    assert np.array_equal(read.by_level, counted.by_level)
    assert np.array_equal(read.by_grade, counted.by_grade)
    assert set(baselines({"levels": counted.to_json()}).by_name) == {
        *("majority", "prior", "prior by level")
    }


def test_an_older_file_gives_no_prior_by_level():
    fitted = baselines({"parts": {"train": PART}})
    assert set(fitted.by_name) == {"majority", "prior"}
    assert fitted.by_name["prior"][0] == pytest.approx(np.array([8, 3, 2]) / 13)
    assert fitted.fitted_on == "model file"


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"parts": "many"},
        {"parts": {"train": {"Normal/Mild": 1, "Moderate": 1}}},
        {"parts": {"train": PART | {"Severe": -1}}},
        {"parts": {"train": PART | {"Severe": True}}},
        {"levels": {"L1/L2": {"Normal/Mild": "3"}}},
        {"levels": ["L1/L2"]},
    ],
)
def test_a_file_that_counts_nothing_gives_none(training):
    assert not baselines(training).by_name
