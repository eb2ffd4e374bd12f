import pytest

from lss_cli.phantom.dataset import write_phantoms


@pytest.fixture(scope="session")
def three_phantoms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three") / "rsna"
    write_phantoms(folder, 3, seed=8, sagittal=False, matrix=128, slices=3)
    return folder


@pytest.fixture
def report(lss, tiny_model, tmp_path):
    def run(studies, coords, *more, out="report.csv"):
        paths = studies if isinstance(studies, list) else [studies]
        options = ("--coords", coords, "--model", tiny_model, "--out", tmp_path / out)
        return lss("report", *paths, *options, "--workers", "2", *more)

    return run
