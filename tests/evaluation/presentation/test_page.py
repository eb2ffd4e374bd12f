from tests.evaluation.handmade import rows, write


def test_the_same_evaluation_gives_the_same_files(tmp_path, lss):
    table = write(tmp_path / "predictions.csv", rows())
    for name in ("a", "b"):
        lss("evaluate", "--predictions", table, "--out", tmp_path / name, "--resamples", "20")
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name
