"""A study whose pictures say by their brightness where what is, and networks that read it."""

import pytest

from lss_cli.locate.landmarks import Landmarks
from lss_cli.locate.locate import Locators
from lss_cli.study.study import read_study
from tests.locate.studies import plan, write_coded_study, write_locators


@pytest.fixture(scope="session")
def phantom():
    return plan(1, slices=3)


@pytest.fixture(scope="session")
def coded(tmp_path_factory, phantom):
    return read_study(write_coded_study(tmp_path_factory.mktemp("coded") / "coded", phantom))


@pytest.fixture(scope="session")
def landmarks(coded, tmp_path_factory):
    return Landmarks(coded, Locators.load(write_locators(tmp_path_factory.mktemp("models"))))
