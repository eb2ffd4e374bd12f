import pytest

from lss_cli.phantom.dataset import write_phantoms
from tests.node.many import run_many


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "rsna"
    write_phantoms(folder, 2, seed=8, sagittal=False, matrix=96, slices=3)
    return folder


def test_killed_again_and_again_it_loses_no_study_and_sends_none_twice(small, tiny_model, tmp_path):
    run_many(tmp_path, small, tiny_model, count=4, kills=4, seed=1, seconds=3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_studies_of_four_senders_with_kills(small, tiny_model, tmp_path):
    run_many(tmp_path, small, tiny_model, count=200, kills=8, seed=2, seconds=20)
