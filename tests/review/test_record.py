import json
from dataclasses import replace

import pytest

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import OutputError
from lss_cli.points.point import Point, PointSource
from lss_cli.review.record import ReviewEntry, ReviewRecord

LEFT = Condition.LEFT_SUBARTICULAR
POINT = Point("5", "7", 3, LEFT, Level.L4_L5, 10.25, 20.0, source=PointSource.CONFIRMED)
ENTRY = ReviewEntry("5", True, (POINT,), ((LEFT, Level.L5_S1),), "six lumbar vertebrae")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "report.csv.review"


def test_what_is_set_comes_back_with_who_set_it(path):
    record = ReviewRecord.open(path)
    record.add(replace(ENTRY, confirmed=False))
    record.add(ENTRY)
    record.close()
    again = ReviewRecord.open(path)
    assert again.entries == {"5": ENTRY}
    (point,) = again.entries["5"].points
    assert point.source is PointSource.CONFIRMED
    assert again.entries["5"].annotations.remark == "six lumbar vertebrae"
    again.close()


def test_a_line_that_was_cut_short_costs_itself(path):
    record = ReviewRecord.open(path)
    record.add(ENTRY)
    record.add(replace(ENTRY, study_id="6"))
    record.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    again = ReviewRecord.open(path)
    assert list(again.entries) == ["5"]
    again.add(replace(ENTRY, study_id="7"))
    again.close()
    record = ReviewRecord.open(path)
    assert list(record.entries) == ["5", "7"]
    record.close()
    # As a kill at the very beginning leaves it.
    path.write_bytes(whole[:7])
    record = ReviewRecord.open(path)
    assert record.entries == {}
    record.close()


@pytest.mark.parametrize("content", [b"study_id,x\n", b'{"run": {}}\n', b"no line"])
def test_a_file_that_is_no_record_stays_as_it_is(path, content):
    path.write_bytes(content)
    with pytest.raises(OutputError, match="no record of a review"):
        ReviewRecord.open(path)
    assert path.read_bytes() == content


def test_a_line_that_names_no_points_is_not_believed(path):
    record = ReviewRecord.open(path)
    record.add(ENTRY)
    record.close()
    values = json.loads(path.read_bytes().splitlines()[-1])
    values["points"][0]["level"] = "L9"
    with path.open("ab") as file:
        file.write(json.dumps(values).encode() + b"\n")
    record = ReviewRecord.open(path)
    assert record.entries == {"5": ENTRY}
    record.close()


def test_the_second_person_is_told_who_has_it(path):
    record = ReviewRecord.open(path)
    with pytest.raises(OutputError, match=r"another lss review is writing this: process \d+ on "):
        ReviewRecord.open(path)
    record.close()
    ReviewRecord.open(path).close()
