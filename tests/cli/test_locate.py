import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from lss_cli.points.table import read_points
from tests.locate.studies import plan, write_coded_study, write_locators
from tests.processes import imported_modules
from tests.tables import read_rows, write_rows

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "locate.schema.json").read_text())
HEAVY = ("tensorflow", "keras", "matplotlib", "scipy", "sklearn", "pandas")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return write_locators(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    """A study of five short stacks."""
    return write_coded_study(tmp_path_factory.mktemp("studies") / "coded", plan(1, slices=3))


@pytest.fixture
def locate(lss, models):
    def run(study, *more):
        return lss("locate", study, *more, models=models)

    return run


def test_the_table_has_a_row_per_level(locate, coded):
    code, out, _ = locate(coded)
    assert code == 0
    rows = [line.split() for line in out.splitlines() if line.startswith("L") and "sure" in line]
    assert [row[0] for row in rows] == ["L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]
    assert max(map(len, out.splitlines()[:7])) <= 80
    assert "sagittal by its orientation" in out
    assert "Nobody has looked at these points." in out


def test_points_are_written_as_predict_reads_them(locate, lss, coded, tiny_model, tmp_path):
    code, _, err = locate(coded, "--coords-out", tmp_path / "coords.csv")
    assert code == 0
    assert "Written" in err
    points, bad = read_points(tmp_path / "coords.csv")
    assert (len(points), bad) == (10, [])
    code, _, _ = lss(
        *("predict", coded, "--coords", tmp_path / "coords.csv", "--model", tiny_model),
        *("--csv", tmp_path / "out.csv"),
    )
    assert code == 0
    assert {row["points"] for row in read_rows(tmp_path / "out.csv")} == {"proposed"}


def test_json_follows_its_documented_schema(locate, coded, tmp_path):
    code, out, _ = locate(coded, "--json", "-")
    assert code == 0
    document = json.loads(out)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(document)
    assert len(document["points"]) == 10
    assert any(point["alternative"] for point in document["points"])
    locate(coded, "--json", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == document


def test_the_page_shows_discs_and_recesses(locate, coded, tmp_path):
    code, _, _ = locate(coded, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert code == 0
    assert page.count("data:image/png") == 6
    assert "discs on the sagittal slice" in page
    for level in ("L1/L2", "L5/S1"):
        assert level in page


def test_a_missing_level_is_said_and_ends_with_4(locate, tmp_path):
    phantom = plan(0)
    study = write_coded_study(tmp_path / "straight", phantom, without=("Sagittal T2/STIR",))
    code, out, err = locate(study, "--json", tmp_path / "out.json", "--html", tmp_path / "p.html")
    assert code == 4
    assert "the study has no sagittal series" in out
    assert out.count("not found") == 5
    document = json.loads((tmp_path / "out.json").read_text())
    Draft202012Validator(SCHEMA).validate(document)
    assert [entry["level"] for entry in document["missing"]][::4] == ["L1/L2", "L5/S1"]
    assert "no sagittal series" in (tmp_path / "p.html").read_text()
    assert "Traceback" not in err


def test_quiet_says_nothing_beside_the_result(locate, coded, tmp_path):
    code, out, err = locate(coded, "--coords-out", tmp_path / "coords.csv", "--quiet")
    assert (code, err) == (0, "")
    assert "L5/S1" in out


def test_what_cannot_be_used_is_said_before_the_work(locate, lss, coded, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = locate(tmp_path / "empty")
    assert (code, "the folder is empty" in err) == (3, True)
    code, _, err = locate(coded, "--html", "-")
    assert (code, "only --json can print" in err) == (2, True)
    code, _, err = locate(coded, "--html", next(coded.rglob("*.dcm")))
    assert code == 2
    code, _, err = locate(coded, "--coords-out", tmp_path / "points.xlsx")
    assert code == 2
    code, _, err = lss("locate", coded, models=tmp_path / "empty")
    assert (code, "no model that finds points on sagittal pictures" in err) == (3, True)


def test_an_axial_t1_alone_is_refused(locate, tmp_path):
    tags = {"Axial T2": {"description": "AX T1"}}
    code, _, err = locate(write_coded_study(tmp_path, plan(1, slices=3), tags=tags))
    assert code == 3
    assert "no axial T2 series" in err


def test_it_needs_nothing_heavy(coded, models):
    code = (
        "from pathlib import Path\n"
        "from lss_cli.cli.environment import Environment\n"
        "from lss_cli.cli.main import main\n"
        f"around = Environment(models=Path({str(models)!r}))\n"
        f"try: main(['locate', {str(coded)!r}], around)\nexcept SystemExit as e: assert not e.code"
    )
    assert not imported_modules(code).intersection(HEAVY)


def test_predict_grades_proposed_points_where_there_is_no_screen(
    lss, models, coded, tiny_model, tmp_path
):
    code, out, _ = lss(
        *("predict", coded, "--model", tiny_model, "--csv", tmp_path / "out.csv"),
        *("--html", tmp_path / "out.html"),
        models=models,
    )
    assert code == 0
    assert "Left Subarticular Stenosis · study coded" in out
    assert out.count("· proposed points") == 2
    assert "Warning: nobody has looked at the points" in out
    assert {row["points"] for row in read_rows(tmp_path / "out.csv")} == {"proposed"}
    assert "nobody has looked at the points" in (tmp_path / "out.html").read_text()


def test_predict_withholds_what_is_not_sure(lss, coded, tiny_model, tmp_path):
    doubtful = write_locators(tmp_path / "models", sure=0.9)
    code, out, _ = lss("predict", coded, "--model", tiny_model, models=doubtful)
    assert code == 4
    assert out.count("not graded: points to be confirmed.") == 10


def test_predict_says_where_to_keep_proposed_points(lss, models, coded, tiny_model, tmp_path):
    code, _, err = lss(
        *("predict", coded, "--model", tiny_model, "--save-coords", tmp_path / "coords.csv"),
        models=models,
    )
    assert (code, "lss locate --coords-out" in err) == (2, True)


def test_given_levels_are_held_against_the_discs_as_counted(
    locate, lss, models, coded, tiny_model, tmp_path
):
    table = tmp_path / "coords.csv"
    locate(coded, "--coords-out", table)
    rows = [row | {"points": ""} for row in read_rows(table) if row["level"] != "L1/L2"]
    grade = ("predict", coded, "--coords", table, "--model", tiny_model, "--json", "-")

    def warnings():
        write_rows(table, rows)
        _, out, _ = lss(*grade, models=models)
        return {text for row in json.loads(out)["levels"] for text in row["warnings"]}

    assert not any("as counted" in text or "as located" in text for text in warnings())
    rows[0]["x"] = str(float(rows[0]["x"]) + 9)
    (text,) = [text for text in warnings() if "as located" in text]
    assert "is it in the recess?" in text
    higher = {"L2/L3": "L1/L2", "L3/L4": "L2/L3", "L4/L5": "L3/L4", "L5/S1": "L4/L5"}
    for row in rows:
        row["level"] = higher[row["level"]]
    (text,) = [text for text in warnings() if "as counted" in text]
    assert text.startswith("what is called L4/L5 here is L5/S1 as counted")
