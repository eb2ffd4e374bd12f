"""No command writes over what it reads, nor over another of its outputs."""

import hashlib
import json
import shutil

import pytest

from lss_cli.errors import UsageError
from lss_cli.files import check_outputs
from tests.dataset.handmade import image_table
from tests.evaluation.handmade import rows, write


def contents(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def refused(lss, tmp_path):
    """Run a command that must be refused before it has touched a file; gives its message."""

    def run(*arguments):
        before = contents(tmp_path)
        code, out, err = lss(*arguments)
        assert (code, out) == (2, ""), (arguments, code, err)
        assert "is read, and would be overwritten" in err or "the same file name" in err
        assert contents(tmp_path) == before, arguments
        return err

    return run


def test_what_is_read_or_written_twice_is_refused_and_new_files_are_not(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "old").touch()
    (tmp_path / "link").symlink_to(tmp_path / "in" / "old")
    check_outputs({"a": tmp_path / "in" / "new", "b": None}, [tmp_path / "in", None])
    for path in (tmp_path / "in" / "old", tmp_path / "link", tmp_path / "in"):
        with pytest.raises(UsageError, match="is read"):
            check_outputs({"a": path}, [tmp_path / "in"])
    with pytest.raises(UsageError, match="the same file name: a and b"):
        check_outputs({"a": tmp_path / "x", "b": tmp_path / "in" / ".." / "x"})


def test_report(three_studies, tiny_model, refused, lss, tmp_path):
    studies, coords = three_studies
    model = shutil.copy(tiny_model, tmp_path / "tiny.onnx")
    out, dicom = tmp_path / "r.csv", next(studies.rglob("*.dcm"))
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(f"studies/{path.name}" for path in studies.iterdir()))
    base = ("--coords", coords, "--model", model)
    for target in (coords, model, dicom):
        for option in ("--out", "--html", "--jsonl", "--parquet"):
            more = () if option == "--out" else ("--out", out)
            refused("report", studies, *base, *more, option, target)
    refused("report", listed, *base, "--out", listed)
    refused("report", studies, *base, "--out", tmp_path / "r.json")
    for option in ("--jsonl", "--html", "--parquet"):
        for name in ("r.csv", "r.json", "r.csv.unfinished"):
            refused("report", studies, *base, "--out", out, option, tmp_path / name)
    pages = ("--html", tmp_path / "r.pages", "--pages")
    assert "--html and --pages" in refused("report", studies, *base, "--out", out, *pages)
    # Twice into the folder of the studies is fine, pages and all.
    more = ("--out", studies / "r.csv", "--html", studies / "r.html", "--pages")
    assert [lss("report", studies, *base, *more)[0] for _ in range(2)] == [0, 0]


def test_the_counts_beside_a_report_do_not_replace_its_points(
    three_studies, tiny_model, refused, tmp_path
):
    studies, _ = three_studies
    points = tmp_path / "r.json"
    row = {"study_id": "a", "instance_number": 1, "level": "L1/L2", "x": 1, "y": 1}
    points.write_text(json.dumps([row]))
    out = tmp_path / "r.csv"
    refused("report", studies, "--coords", points, "--model", tiny_model, "--out", out)


@pytest.fixture
def three_studies(phantoms, tmp_path):
    original = next((phantoms / "train_images").iterdir())
    shutil.copytree(original, tmp_path / "studies" / original.name)
    shutil.copy(phantoms / "train_label_coordinates.csv", tmp_path / "coords.csv")
    return tmp_path / "studies", tmp_path / "coords.csv"


def test_predict(study, coords, tiny_model, refused, tmp_path):
    model = shutil.copy(tiny_model, tmp_path / "tiny.onnx")
    base = ("predict", study, "--coords", coords, "--model", model)
    dicom = next(study.rglob("*.dcm"))
    for option in ("--csv", "--json", "--html", "--dicom-sr"):
        for target in (coords, model, dicom):
            refused(*base, option, target)
    refused(*base, "--picture", dicom.parent)
    refused(*base, "--picture", tmp_path / "x", "--csv", tmp_path / "x")


def test_prepare(refused, lss, tmp_path):
    for name in ("rejects.csv", "Master_data.csv", "index.csv"):
        table = image_table(tmp_path / name.split(".")[0], studies=3, name=name)
        refused("prepare", table, "--out", table.parent)
    out = tmp_path / "out"
    table = image_table(out / "figures", studies=10)
    images = table.rename(out / "table.csv")
    images.write_text(images.read_text().replace("\n1", "\nfigures/1"))
    refused("prepare", images, "--out", out, "--no-figures")
    table = image_table(tmp_path / "fine", studies=10)
    size = ("--size", "16,16", "--field-mm", "24,24", "--no-figures")
    runs = [lss("prepare", table, "--out", table.parent, *size)[0] for _ in range(2)]
    assert runs == [0, 0]


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "first"
    folder.mkdir()
    write(folder / "predictions.csv", rows())
    for name in ("metrics.json", "config.json"):
        (folder / name).write_text("{}")
    return folder


def test_evaluate_and_compare(run, refused, lss, tmp_path):
    refused("evaluate", "--model", run, "--out", run)
    table = write(tmp_path / "metrics.csv", rows())
    refused("evaluate", "--predictions", table, "--out", tmp_path)
    refused("compare", run, table, "--csv", table)
    refused("compare", run, table, "--html", run / "predictions.csv")
    refused("compare", run, table, "--csv", tmp_path / "x", "--html", tmp_path / "x")
    inside = ("--out", run / "evaluation", "--resamples", "10")
    assert [lss("evaluate", "--model", run, *inside)[0] for _ in range(2)] == [0, 0]


def test_train_tune_and_export(run, refused, lss, tmp_path):
    pytest.importorskip("tensorflow")
    data, config = tmp_path / "data", tmp_path / "tuning" / "best.toml"
    (data / "figures").mkdir(parents=True)
    config.parent.mkdir()
    config.write_text("")
    refused("train", "--data", data, "--out", data)
    weights = tmp_path / "weights" / "model.keras"
    weights.parent.mkdir()
    weights.touch()
    refused("train", "--data", data, "--weights", weights, "--out", weights.parent)
    refused("tune", "--data", data, "--config", config, "--out", config.parent)
    refused("export-onnx", run, "--out", run / "config.json")
    refused("export-onnx", run, "--predictions", run / "predictions.csv")
    refused("export-onnx", run, "--out", tmp_path / "x", "--predictions", tmp_path / "x")
