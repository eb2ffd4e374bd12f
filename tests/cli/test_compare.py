import pytest

from tests.evaluation.handmade import rows, write


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "predictions.csv", rows())


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "first"
    folder.mkdir()
    write(folder / "predictions.csv", rows())
    return folder


def test_networks_side_by_side(run, table, tmp_path, lss):
    targets = {kind: tmp_path / f"t.{kind}" for kind in ("csv", "html", "markdown")}
    options = [part for kind, path in targets.items() for part in (f"--{kind}", path)]
    code, out, _ = lss("compare", run, table, *options)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100
    lines = out.splitlines()
    assert lines[4].startswith("train_accuracy ")
    assert "difference to the best" in out
    assert all(path.stat().st_size for path in targets.values())


def test_runs_of_one_name_are_told_apart_by_their_paths(run, tmp_path, lss):
    other = tmp_path / "b" / "first"
    other.mkdir(parents=True)
    write(other / "predictions.csv", rows())
    code, _, _ = lss("compare", run, other, "--csv", tmp_path / "t.csv", "--resamples", "10")
    assert code == 0
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert str(other) in header
    code, _, err = lss("compare", run, run)
    assert code == 2
    assert "named twice" in err
