import numpy as np
import pytest

from lss_cli.errors import DataError
from lss_cli.evaluation.predictions import read_predictions
from lss_cli.model.session import apply_temperature
from lss_cli.rule import GradeRule
from lss_cli.training.calibration import fit_temperature
from lss_cli.training.ensemble import calibrate_across, open_runs
from lss_cli.training.run import Run


def test_each_fold_is_calibrated_with_the_temperature_of_the_others():
    random = np.random.default_rng(0)
    raw = random.dirichlet(np.ones(3), 60)
    labels, folds = random.integers(0, 3, 60), np.repeat([0, 1, 2], 20)
    calibrated = calibrate_across(labels, raw, folds)
    others = folds != 1
    expected = apply_temperature(raw[folds == 1], fit_temperature(labels[others], raw[others]))
    assert calibrated[folds == 1] == pytest.approx(expected)


def test_one_run_without_folds_is_opened_as_it_is(run):
    opened, alone = open_runs([run]), Run.open(run)
    assert (opened.folder, opened.config, opened.networks) == (alone.folder, alone.config, 1)


def test_the_held_out_figures_are_those_of_the_rule(run):
    weighted, plain = open_runs([run], rule=GradeRule((1, 2, 50))), open_runs([run])
    assert weighted.rule == GradeRule((1, 2, 50))
    assert weighted.metrics.keys() == plain.metrics.keys()
    predictions = read_predictions(run / "predictions.csv")
    for name, scores in weighted.metrics.items():
        part, before = predictions.part(name), plain.metrics[name]
        grades = (part.probabilities * [1, 2, 50]).argmax(axis=1)
        assert scores["model"]["accuracy"] == pytest.approx((grades == part.labels).mean())
        for predictor in ("model", "prior_by_level"):
            assert scores[predictor]["log_loss"] == pytest.approx(
                before[predictor]["log_loss"], abs=1e-4
            )
    assert np.sum([scores["model"]["confusion"] for scores in weighted.metrics.values()]) == len(
        predictions.labels
    )


def test_several_runs_want_folds(run, tmp_path):
    with pytest.raises(DataError, match="lss train --folds"):
        open_runs([run, run])
    with pytest.raises(DataError, match="no finished run here"):
        open_runs([tmp_path])
