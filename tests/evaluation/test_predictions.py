import pytest

from lss_cli.errors import DataError
from lss_cli.evaluation.predictions import read_predictions
from tests.evaluation.handmade import COLUMNS, rows, write

LABELS = {"Normal/Mild": 0, "Moderate": 1, "Severe": 2}


def test_the_least_that_is_needed(tmp_path):
    bare = [name for name in COLUMNS if name != "split"]
    predictions = read_predictions(write(tmp_path / "p.csv", rows()[:3], bare))
    assert predictions.name == "p.csv"
    assert predictions.training is None
    part = predictions.part("test")
    assert part.table["row_id"][0] == "s000_left_subarticular_stenosis_l1_l2"
    assert part.labels.tolist() == [LABELS[row["severity"]] for row in rows()[:3]]
    assert part.probabilities.shape == (3, 3)


def test_parts(tmp_path):
    predictions = read_predictions(write(tmp_path / "p.csv", rows()))
    test, both = predictions.part("test"), predictions.part("all")
    assert len(test.labels) + predictions.training.by_grade.sum() == len(both.labels)
    with pytest.raises(DataError, match=r"no row of the part 'validation'.*test \(\d+\)"):
        predictions.part("validation")


def test_other_spellings_are_understood(tmp_path):
    table = [
        rows()[0]
        | {"level": "l4_l5", "severity": "normal_mild", "condition": "Left Subarticular Stenosis"}
    ]
    part = read_predictions(write(tmp_path / "p.csv", table, [*COLUMNS, "condition"])).part("all")
    assert part.table.loc[0, ["level", "severity", "condition"]].tolist() == [
        "L4/L5",
        "Normal/Mild",
        "left_subarticular_stenosis",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": "L6/S1"}, "line 4, column level: 'L6/S1' is no level"),
        ({"severity": "bad"}, "line 4, column severity: 'bad' is no severity"),
        ({"severe": "x"}, "line 4, column severe: 'x' is no probability"),
        ({"severe": ""}, "line 4, column severe: '' is no probability"),
        ({"severe": "nan"}, "line 4, column severe"),
        ({"moderate": 1.2}, "line 4, column moderate: '1.2' is no probability"),
        ({"normal_mild": -0.1}, "line 4, column normal_mild"),
        ({"normal_mild": 0.1, "moderate": 0.1, "severe": 0.1}, "line 4: .* sum to 0.3, not 1"),
        ({"study_id": " "}, "line 4, column study_id: '' is empty"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_column(tmp_path, change, said):
    table = rows()
    table[2] |= change
    with pytest.raises(DataError, match=said):
        read_predictions(write(tmp_path / "p.csv", table))


def test_a_missing_column_is_named(tmp_path):
    names = [name.replace("severe", "sever") for name in COLUMNS]
    path = write(tmp_path / "p.csv", [], names)
    with pytest.raises(DataError, match=r"column 'severe' is missing. Did you mean 'sever'\?"):
        read_predictions(path)


def test_a_table_without_rows(tmp_path):
    with pytest.raises(DataError, match="no rows"):
        read_predictions(write(tmp_path / "p.csv", []))


def test_a_label_that_is_there_twice_would_count_twice(tmp_path):
    table = rows()
    predictions = read_predictions(write(tmp_path / "p.csv", [*table, table[-1]]))
    with pytest.raises(DataError, match="is there twice"):
        predictions.part("test")
