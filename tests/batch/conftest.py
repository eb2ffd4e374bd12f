import pytest

from lss_cli.phantom.dataset import write_phantoms


@pytest.fixture(scope="session")
def three_phantoms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three") / "rsna"
    write_phantoms(folder, 3, seed=8, sagittal=False, matrix=128, slices=3)
    return folder
