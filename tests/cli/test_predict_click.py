"""The options of ``lss predict`` that lead to the page."""

import pydicom
import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.annotate.annotations import Annotations
from lss_cli.points.point import Point
from tests.processes import imported_modules, lss_code
from tests.tables import read_rows


@pytest.fixture
def predict(lss, coords):
    """The command, with a page whose clicks are the table's left points, one level not visible."""
    rows = [row for row in read_rows(coords) if row["condition"].startswith("Left")]
    points = [
        Point(
            row["study_id"],
            row["series_id"],
            int(row["instance_number"]),
            Condition.LEFT_SUBARTICULAR,
            Level(row["level"]),
            round(float(row["x"]), 2),
            round(float(row["y"]), 2),
        )
        for row in rows[1:]
    ]
    asked = {}

    def annotate(study, **options):
        asked.update(options)
        absent = (Condition.LEFT_SUBARTICULAR, Level.L1_L2)
        return Annotations(tuple(points), (absent,), "six lumbar vertebrae")

    def run(*arguments, **around):
        return lss("predict", *arguments, annotate=annotate, **around)

    run.asked = asked
    return run


def test_clicked_points_are_graded_and_kept(predict, study, tiny_model, tmp_path):
    saved = tmp_path / "saved.csv"
    code, out, err = predict(study, "--click", "--model", tiny_model, "--save-coords", saved)
    assert code == 4
    assert "L1/L2 not graded: marked as not visible." in out
    assert "six lumbar vertebrae" in out
    assert f"Written: {saved}" in err
    rows = read_rows(saved)
    assert [row["level"] for row in rows] == ["L2/L3", "L3/L4", "L4/L5", "L5/S1", "L1/L2"]
    assert [row["not_visible"] for row in rows] == [*4 * [""], "yes"]
    again = predict(study, "--coords", saved, "--model", tiny_model)
    assert again[0] == 4
    assert "L1/L2 not graded: marked as not visible." in again[1]
    assert "Remark: six lumbar vertebrae" in again[1]
    graded, same = (
        [line.rstrip() for line in text.splitlines() if "▸" in line] for text in (out, again[1])
    )
    assert graded == same
    assert not predict.asked["open_browser"]("http://127.0.0.1/")
    assert predict.asked["conditions"] == [
        Condition.LEFT_SUBARTICULAR,
        Condition.RIGHT_SUBARTICULAR,
    ]
    assert len(predict.asked["grade"](Annotations()).levels) == 0


def test_with_a_screen_click_is_the_default(predict, study, tiny_model):
    # Without one points are proposed, for which there is no network here.
    code, out, err = predict(study, "--model", tiny_model, models=tiny_model.parent)
    assert (code, out) == (3, "")
    assert "give the points with --coords or --click" in err
    opened = []
    screen = {"variables": {"DISPLAY": ":0"}, "open_link": lambda link: not opened.append(link)}
    assert predict(study, "--model", tiny_model, **screen)[0] == 4
    assert predict.asked["open_browser"]("http://127.0.0.1/")
    assert opened == ["http://127.0.0.1/"]


def test_the_page_asks_for_what_was_asked_for(predict, study, tiny_model):
    right = Condition.RIGHT_SUBARTICULAR
    predict(study, "--click", "--model", tiny_model, "--condition", right)
    assert predict.asked["conditions"] == [right]
    predict.asked.clear()
    code, _, err = predict(
        study, "--click", "--model", tiny_model, "--condition", "spinal_canal_stenosis"
    )
    assert (code, predict.asked) == (3, {})
    assert "may not grade" in err


def test_options_that_do_not_go_together(lss, study, coords, tiny_model, tmp_path):
    code, _, err = lss("predict", study, "--coords", coords, "--save-coords", tmp_path / "x.csv")
    assert (code, "keeps clicked points" in err) == (2, True)
    code, *_ = lss("predict", study, "--click", "--save-coords", tmp_path / "none" / "x.csv")
    assert code == 3


def test_a_table_is_opened_for_review(predict, study, coords, tiny_model, tmp_path):
    saved = tmp_path / "saved.csv"
    arguments = ("--coords", coords, "--click", "--model", tiny_model, "--save-coords", saved)
    assert predict(study, *arguments)[0] == 4
    assert len(predict.asked["given"].points) == 10
    assert len(read_rows(saved)) == 5
    # What the table has stays as it is.
    code, _, err = predict(study, *arguments[:-1], coords)
    assert (code, "would be overwritten" in err) == (2, True)


def test_an_interrupted_command_keeps_the_points(lss, study, tiny_model, tmp_path):
    saved = tmp_path / "saved.csv"
    point = Point("", "1", 2, Condition.LEFT_SUBARTICULAR, Level.L4_L5, 3.0, 4.0)

    def annotate(_study, *, draft, **_):
        draft.keep(Annotations((point,)))
        raise KeyboardInterrupt

    variables = {"HOME": str(tmp_path)}
    options = ("--click", "--model", tiny_model, "--save-coords", saved)
    code, _, err = lss("predict", study, *options, annotate=annotate, variables=variables)
    assert (code, f"Written: {saved}" in err) == (130, True)
    assert read_rows(saved)[0]["level"] == "L4/L5"
    assert list((tmp_path / ".local" / "state" / "lss" / "clicks").iterdir())


def test_points_from_a_table_load_no_server(study, coords, tiny_model):
    modules = imported_modules(
        lss_code("predict", study, "--coords", coords, "--model", tiny_model)
    )
    assert not modules & {"starlette", "uvicorn", "anyio", "jinja2"}


def test_what_a_report_lacks_is_said_before_the_first_click(predict, study, tiny_model, tmp_path):
    report = tmp_path / "sr.dcm"
    assert predict(study, "--click", "--model", tiny_model, "--dicom-sr", report)[0] == 4
    assert report.exists()
    predict.asked.clear()
    for path in study.rglob("*.dcm"):
        ds = pydicom.dcmread(path)
        del ds.PatientID
        ds.save_as(path)
    code, _, err = predict(study, "--click", "--model", tiny_model, "--dicom-sr", report)
    assert (code, predict.asked) == (3, {})
    assert "PatientID" in err


def test_with_a_screen_points_are_proposed_unless_clicks_are_asked_for(
    predict, tiny_model, tmp_path
):
    from tests.locate.studies import plan, write_coded_study, write_locators

    study = write_coded_study(tmp_path / "coded", plan(1, slices=3))
    around = {
        "models": write_locators(tmp_path / "models"),
        "variables": {"DISPLAY": ":0"},
        "open_link": lambda _: True,
    }
    predict(study, "--model", tiny_model, **around)
    assert len(predict.asked["proposed"]) == 10
    assert predict.asked["note"] == ""
    predict(study, "--model", tiny_model, "--click", **around)
    assert not predict.asked["proposed"]


def test_the_page_says_why_nothing_is_proposed(predict, study, tiny_model):
    screen = {"variables": {"DISPLAY": ":0"}, "open_link": lambda _: True}
    predict(study, "--model", tiny_model, models=tiny_model.parent, **screen)
    assert not predict.asked["proposed"]
    assert predict.asked["note"].startswith("No points are proposed: there is no model that finds")
