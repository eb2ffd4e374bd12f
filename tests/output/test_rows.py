"""The rows of a result, and their cells in a CSV file."""

import csv
import io

from lss_cli.anatomy import Condition, Level
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.model.metadata import ModelCard
from lss_cli.output.rows import COLUMNS, rows, to_csv
from lss_cli.points.point import Point

LEFT = Condition.LEFT_SUBARTICULAR
CARD = ModelCard("=tiny", 64 * "b", "Apache-2.0", "2026-01-01", {})
RESULT = StudyGrade(
    "=5",
    (CARD,),
    (
        LevelGrade(
            LEFT,
            Level.L4_L5,
            "7",
            Point("=5", "7", 3, LEFT, Level.L4_L5, 10.25, 20),
            (0.1, 0.5, 0.4),
        ),
        LevelGrade(None, "L9", reason="'L9' is no level."),
    ),
)


def test_one_row_per_level_with_what_is_possible():
    graded, failed = rows(RESULT)
    assert graded["possible"] == ["Moderate", "Severe"]
    assert (graded["grade"], graded["reason"]) == ("Moderate", "uncertain: Moderate or Severe")
    assert (failed["grade"], failed["condition"], failed["x"]) == (None, None, None)
    assert (graded["points"], failed["points"]) == ("given", "")
    assert [row["status"] for row in (graded, failed)] == ["graded", "not graded"]


def test_cells_have_few_digits_and_no_formulas():
    header, graded, failed = csv.reader(io.StringIO(to_csv([RESULT])))
    assert tuple(header) == COLUMNS
    cells = dict(zip(header, graded, strict=True))
    assert (cells["study_id"], cells["model"]) == ("'=5", f"'=tiny {12 * 'b'}")
    assert (cells["x"], cells["y"], cells["moderate"]) == ("10.25", "20", "0.500000")
    assert dict(zip(header, failed, strict=True))["severe"] == ""
