import numpy as np
import pytest

from lss_cli.errors import DataError
from lss_cli.model.session import apply_temperature
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


def test_several_runs_want_folds(run, tmp_path):
    with pytest.raises(DataError, match="lss train --folds"):
        open_runs([run, run])
    with pytest.raises(DataError, match="no finished run here"):
        open_runs([tmp_path])
