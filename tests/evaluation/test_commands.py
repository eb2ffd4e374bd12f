import csv
import json
import re
import subprocess
import sys

import pytest

from tests.dataset.handmade import image_table
from tests.evaluation.handmade import rows, write

FIGURES = ["by_level", "confusion", "pr", "reliability", "roc"]
INPUT = ("--size", "32,24", "--field-mm", "40,30", "--shift-mm", "5")


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "predictions.csv", rows())


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "first"
    folder.mkdir()
    write(folder / "predictions.csv", rows())
    return folder


def prepared(tmp_path, lss, *options):
    source = image_table(tmp_path / "images", studies=10)
    code, _, err = lss("prepare", source, "--out", tmp_path / "prepared", *options)
    assert code == 0, err
    return tmp_path / "prepared"


def test_a_table_is_evaluated_into_a_folder(table, tmp_path, lss):
    out = tmp_path / "evaluation"
    code, shown, err = lss("evaluate", "--predictions", table, "--out", out, "--resamples", "50")
    assert code == 0
    assert "index.html" in err
    assert "prior by level" in shown
    assert "fitted on the training part" in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert "\x1b" not in shown
    names = {f"{name}{suffix}" for name in FIGURES for suffix in (".png", ".svg")}
    assert {path.name for path in out.iterdir()} == {
        *names,
        "metrics.json",
        "metrics.csv",
        "index.html",
    }
    document = json.loads((out / "metrics.json").read_text())
    accuracy = document["figures"]["model"]["all"]["accuracy"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert set(document["figures"]) == {"model", "majority", "prior", "prior by level"}
    assert "L4/L5" in document["figures"]["prior"]
    assert document["definitions"].keys() >= {"accuracy", "f_beta", "majority"}
    lines = list(csv.DictReader((out / "metrics.csv").read_text().splitlines()))
    assert float(lines[0]["value"]) == accuracy["value"]
    page = (out / "index.html").read_text()
    assert page.count('<img src="data:image/svg+xml;base64,') == len(FIGURES)
    assert not re.search(r"(src|href)=\"(?!data:)", page)


def test_the_same_evaluation_gives_the_same_files(table, tmp_path, lss):
    for name in ("a", "b"):
        lss("evaluate", "--predictions", table, "--out", tmp_path / name, "--resamples", "20")
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_a_run_is_evaluated_from_its_predictions(run, lss):
    code, out, _ = lss("evaluate", "--model", run, "--split", "train", "--definitions")
    assert code == 0
    assert out.startswith("first: train, ")
    assert "The training part is among these rows" in out
    assert "RSNA 2024 competition" in out


def test_baselines_without_a_training_part_say_so(tmp_path, lss):
    only_test = [row for row in rows() if row["split"] == "test"]
    code, out, _ = lss("evaluate", "--predictions", write(tmp_path / "p.csv", only_test))
    assert code == 0
    assert "fitted on the evaluated rows" in out


def test_a_model_is_run_on_prepared_data(tiny_model, tmp_path, lss):
    data = prepared(tmp_path, lss, *INPUT)
    code, out, err = lss("evaluate", "--model", tiny_model, "--data", data)
    assert code == 0, err
    assert out.startswith("tiny: test, ")
    assert "fitted on the training part" in out
    code, _, err = lss("evaluate", "--model", tiny_model, "--data", data, "--split", "nothing")
    assert code == 3
    assert "there is no row of the part 'nothing'" in err
    assert "train (40)" in err


def test_the_other_side_is_mirrored_for_a_model_that_wants_it(tiny_model, tmp_path, lss):
    """The right side of mirrored images is graded as the left side of the original ones."""
    from lss_cli.dataset.prepared import Prepared
    from lss_cli.evaluation.sources import run_model
    from lss_cli.model.session import load_model

    source = image_table(tmp_path / "images", studies=10)
    left = prepared(tmp_path, lss, *INPUT)
    text = source.read_text().replace("Left Sub", "Right Sub")
    mirror_pictures(tmp_path / "images")
    source.write_text(text)
    right = tmp_path / "right"
    condition = ("--condition", "right_subarticular_stenosis")
    code, _, err = lss("prepare", source, "--out", right, *INPUT, *condition)
    assert code == 0, err
    model = load_model(tiny_model)
    left_side, right_side = (
        run_model(model, Prepared.open(data), ["all"], lambda done, total: None)
        for data in (left, right)
    )
    assert abs(left_side.probabilities - right_side.probabilities).max() < 5e-3
    assert abs(left_side.probabilities - left_side.probabilities.mean(axis=0)).max() > 0.05


def mirror_pictures(folder):
    from PIL import Image, ImageOps

    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            turned = ImageOps.mirror(image)
        turned.save(path)


def test_a_model_that_wants_other_inputs_is_refused(tiny_model, tmp_path, lss):
    data = prepared(tmp_path, lss, "--size", "16", "--field-mm", "24")
    code, _, err = lss("evaluate", "--model", tiny_model, "--data", data)
    assert code == 3
    assert "size (32, 24), not (16, 16)" in err.replace("[", "(").replace("]", ")")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "give one of --model and --predictions"),
        (("--model", "m", "--predictions", "p.csv"), 2, "give one of"),
        (("--predictions", "none.csv"), 3, "no such file"),
        (("--model", "."), 3, "no finished run here"),
        (("--model", "defualt"), 3, "Did you mean 'default'"),
    ],
)
def test_messages(arguments, code, said, lss, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, out, err = lss("evaluate", *arguments)
    assert found == code
    assert said in err
    assert not out


def test_the_name_of_a_shipped_model_is_no_folder(tmp_path, lss, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").mkdir()
    _, _, err = lss("evaluate", "--model", "default")
    assert "prepared: there are no complete prepared data" in err
    _, _, err = lss("evaluate", "--model", "./default")
    assert "no finished run here" in err


def test_prepared_data_that_are_not_there(tiny_model, tmp_path, lss):
    code, _, err = lss("evaluate", "--model", tiny_model, "--data", tmp_path / "none")
    assert code == 3
    assert "lss prepare" in err


def test_missing_matplotlib_is_named_before_the_work(table, tmp_path, lss):
    command = ("evaluate", "--predictions", table, "--out", tmp_path / "out")
    code, out, err = lss(*command, is_installed=lambda package: False)
    assert code == 3
    assert "pip install 'lss-cli[train]'" in err
    assert not out
    assert not (tmp_path / "out").exists()


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


def test_neither_tensorflow_nor_matplotlib_is_imported(table):
    program = (
        "import sys; from lss_cli.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    arguments = ["evaluate", "--predictions", str(table), "--resamples", "10"]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)
