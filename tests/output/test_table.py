import io

import pytest
from rich.console import Console

from lss_cli.anatomy import Condition, Level
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.session import load_model
from lss_cli.output.table import to_table
from lss_cli.points.point import Point

WIDEST = (0.55, 0.45, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.45, 0.55)


@pytest.fixture
def printed(tiny_model):
    """The table as it looks in a terminal of some width, its levels in these series."""

    def run(series, width=80):
        condition = Condition.LEFT_SUBARTICULAR
        levels = [
            LevelGrade(
                condition,
                level,
                name,
                Point("5", name, 12, condition, level, 180.0, 165.0),
                prob,
                warnings=("look again.",),
            )
            for level, name, prob in zip(Level, series, WIDEST, strict=True)
        ]
        result = StudyGrade("5", (load_model(tiny_model).card,), tuple(levels))
        console = Console(file=io.StringIO(), width=width)
        console.print(to_table(result, width))
        return [line.rstrip() for line in console.file.getvalue().splitlines()]

    return run


def test_the_longest_words_fit_a_terminal_of_80_columns(printed):
    lines = printed(5 * ["1.2.1012284084"])
    assert lines[0] == "Left Subarticular Stenosis · study 5 · series 1012284084"
    assert " ".join(" ".join(lines[3:9]).split()) == (
        "L1/L2 12 180, 165 ▸ 55.0% 45.0% 0.0% Normal/Mild or Moderate* "
        "L2/L3 12 180, 165 0.0% 0.0% ▸ 100.0% Severe* "
        "L3/L4 12 180, 165 0.0% ▸ 100.0% 0.0% Moderate* "
        "L4/L5 12 180, 165 ▸ 100.0% 0.0% 0.0% Normal/Mild* "
        "L5/S1 12 180, 165 0.0% 45.0% ▸ 55.0% Moderate or Severe*"
    )
    assert max(map(len, lines)) <= 80


def test_several_series_take_the_points_place(printed):
    lines = printed(["1.2.1012284084", *4 * ["1.2.1012284085"]])
    assert lines[0] == "Left Subarticular Stenosis · study 5"
    assert " ".join(" ".join(lines[3:5]).split()) == (
        "L1/L2 1012284084 12 ▸ 55.0% 45.0% 0.0% Normal/Mild or Moderate*"
    )
    assert lines[5].split()[1] == "1012284085"


def test_a_narrow_terminal_folds_the_grade_and_cuts_nothing(printed):
    text = "".join(printed(5 * ["7"], width=60))
    assert "…" not in text
    assert "Normal/" in text and "Moderate" in text


def test_nothing_is_faint(tiny_model):
    """Dim grey of a terminal has a contrast of 4 at best; the disclaimer is to be read."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    console.print(to_table(StudyGrade("5", (load_model(tiny_model).card,), ()), 80))
    assert "physician decides" in console.file.getvalue()
    assert "\x1b[2m" not in console.file.getvalue()
