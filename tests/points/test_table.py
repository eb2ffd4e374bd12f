import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import PointsError
from lss_cli.points.point import NOT_VISIBLE, BadPoint, Point, PointSource
from lss_cli.points.table import COLUMNS, read_points, write_points

HEADER = "study_id,series_id,instance_number,condition,level,x,y\n"
ROW = "100206310,1012284084,20,Left Subarticular Stenosis,L1/L2,180.36,165.03\n"
POINT = Point(
    "100206310", "1012284084", 20, Condition.LEFT_SUBARTICULAR, Level.L1_L2, 180.36, 165.03
)


@pytest.fixture
def table(tmp_path):
    def write(text, name="coords.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def problem(path, *names):
    with pytest.raises(PointsError) as caught:
        read_points(path, *names)
    return str(caught.value)


def test_rsna_table(table):
    assert read_points(table(HEADER + ROW)) == ([POINT], [])


def test_only_the_named_study_is_read(table):
    other = "77,1,x,y,z,q,r\n"
    path = table(HEADER + other + ROW)
    assert read_points(path, ("folder", "100206310")) == ([POINT], [])
    text = problem(path, ("5",))
    assert "no row of study 5" in text and "100206310 and 77" in text


def test_columns_of_a_single_study_may_be_left_out(table):
    points, _ = read_points(table("level,instance_number,x,y\nl4_l5,3,1,2\n"), ("5",))
    assert points == [Point("", "", 3, Condition.LEFT_SUBARTICULAR, Level.L4_L5, 1.0, 2.0)]


@pytest.mark.parametrize("names", [(), ("100206310",)])
@pytest.mark.parametrize("empty", ["", " "])
def test_a_row_without_a_study_beside_one_that_has_one_may_be_any_studys(table, names, empty):
    nameless = ROW.replace("100206310", empty).replace("L1/L2", "L2/L3")
    points, bad = read_points(table(HEADER + ROW + nameless), names)
    assert points == [POINT]
    assert "line 3, column study_id: it is empty here" in bad[0].reason


def test_nameless_rows_do_not_stand_in_for_a_study_that_is_not_there(table):
    path = table(HEADER + ROW + ROW.replace("100206310", ""))
    assert "no row of study 5" in problem(path, ("5",))


@pytest.mark.parametrize(
    "spelling", ["L4/L5", "l4_l5", "L4-L5", "L4_L5", " L4/L5 ", "L4-5", "l4/5", "L4 – L5"]
)
@pytest.mark.parametrize("name", ["Right Subarticular Stenosis", "right_subarticular_stenosis"])
def test_spellings(table, spelling, name):
    points, bad = read_points(
        table(f"level,instance_number,x,y,condition\n{spelling},3,1,2,{name}\n")
    )
    assert not bad
    assert (points[0].level, points[0].condition) == (Level.L4_L5, Condition.RIGHT_SUBARTICULAR)


def test_extra_columns_byte_order_mark_and_windows_lines(table):
    text = "\ufeff" + (HEADER.strip() + ",note\r\n") + (ROW.strip() + ",hello\r\n")
    assert read_points(table(text)) == ([POINT], [])


def test_json_with_the_same_keys(table):
    entry = dict(zip(COLUMNS, next(csv.reader([ROW])), strict=True))
    entry |= {"x": 180.36, "instance_number": 20, "study_id": 100206310, "extra": None}
    assert read_points(table(json.dumps([entry]), "coords.json")) == ([POINT], [])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,2,three,left_subarticular_stenosis,L1/L2,1,2", "column instance_number: 'three'"),
        ("1,2,3.5,left_subarticular_stenosis,L1/L2,1,2", "column instance_number: '3.5'"),
        ("1,2,3,left_subarticular_stenosis,L1/L2,abc,2", "column x: 'abc' is not a number"),
        ("1,2,3,left_subarticular_stenosis,L1/L2,1,nan", "column y: 'nan' is not a number"),
        ("1,2,3,left_subarticular_stenosis,L1/L2,1,", "column y: '' is not a number"),
        ("1,2,3,left_subarticular_stenosis,L1/L2,1e300,2", "column x: '1e300' is too large"),
        ("1,2,1e300,left_subarticular_stenosis,L1/L2,1,2", "column instance_number: '1e300' is"),
        ("1,2,3,left_subarticular_stenosis,L6/S1,1,2", "column level: 'L6/S1' is no level"),
        ("1,2,3,left_kneecap,L1/L2,1,2", "column condition: 'left_kneecap' is no condition"),
        ("1,2,3", "more or fewer cells"),
        ("1,2,3,left_subarticular_stenosis,L1/L2,1,2,9,9", "more or fewer cells"),
    ],
)
def test_a_bad_row_is_named_with_file_line_and_column_and_costs_no_other(table, row, reason):
    points, bad = read_points(table(f"{HEADER}{row}\n{ROW}"))
    assert points == [POINT]
    assert bad[0].reason.startswith("coords.csv, line 2, ")
    assert reason in bad[0].reason


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", "."])
def test_tables_as_spreadsheets_save_them(table, separator, encoding, mark):
    text = (HEADER + ROW).replace(",", separator).replace("180.36", f"180{mark}36")
    assert read_points(table(text.replace("\n", "\r\n").encode(encoding))) == ([POINT], [])
    path = table((HEADER + ROW).replace("180.36", '"180,36"'))
    assert read_points(path, ("100206310",)) == ([POINT], [])


@pytest.mark.parametrize(
    "header",
    [
        "Study ID, Series ID, Instance Number, Condition, Level, X, Y",
        "StudyID,SeriesID,InstanceNumber,Condition,Level,X,Y",
    ],
)
def test_headers_as_people_write_them(table, header):
    assert read_points(table(f"{header}\n{ROW}"), ("100206310",)) == ([POINT], [])
    entry = dict(zip(header.split(","), next(csv.reader([ROW])), strict=True))
    assert read_points(table(json.dumps([entry]), "coords.json")) == ([POINT], [])


def test_a_number_that_may_be_two_is_not_read(table):
    row = ROW.replace(",", ";").replace("180.36", "1,234")
    points, bad = read_points(table(HEADER.replace(",", ";") + row))
    assert points == []
    assert bad[0].reason == (
        "coords.csv, line 2, column x: '1,234' may be 1.234 or 1234. Write a decimal point."
    )
    points, bad = read_points(table(HEADER.replace(",", ";") + row.replace("1,234", "1.180,36")))
    assert "'1.180,36' is not a number" in bad[0].reason


def test_joined_tables_have_their_headers_again(table):
    other = (
        "\ufeffX,Y,Level,Instance Number,Study ID\r\n3,4,L5/S1,7,100206310\r\n5,6,L5/S1,7,77\r\n"
    )
    path = table(HEADER + ROW + ROW.replace("100206310", "5") + HEADER + other + HEADER)
    second = Point("100206310", "", 7, Condition.LEFT_SUBARTICULAR, Level.L5_S1, 3, 4)
    assert read_points(path, ("100206310",)) == ([POINT, second], [])
    points, bad = read_points(path)
    assert ([point.study_id for point in points], bad) == (
        ["100206310", "5", "100206310", "77"],
        [],
    )


def test_several_tables_add_to_each_other(table):
    first = table(HEADER + ROW + ROW.replace("L1/L2", "L2/L3"), "a.csv")
    more = ROW.replace("L1/L2", "L3/L4") + ROW.replace("L1/L2", "L2/L3").replace("180.36", "7")
    second = table(HEADER + ROW + more, "b.csv")
    nameless = table("level,instance_number,x,y\nL5/S1,3,1,2\n", "c.csv")
    stranger = table(HEADER + ROW.replace("100206310", "5"), "d.csv")
    points, bad = read_points([first, second, nameless, stranger], ("100206310",))
    assert [point.level.value for point in points] == ["L1/L2", "L3/L4", "L5/S1"]
    assert [point.reason for point in bad] == [
        "a.csv, line 3 and b.csv, line 4: the level is given 2 times. Keep one row."
    ]
    assert "a.csv and d.csv: they have no row of study 9" in problem([first, stranger], ("9",))


def test_a_row_that_is_there_twice_is_one(table):
    again = ROW.replace("180.36", "180.360")
    assert read_points(table(HEADER + ROW + ROW + again)) == ([POINT], [])


def test_a_level_given_twice_is_not_used_at_all(table):
    other = ROW.replace("180.36", "180.37")
    points, bad = read_points(table(HEADER + ROW + ROW.replace("L1/L2", "L5/S1") + other))
    assert [point.level for point in points] == [Level.L5_S1]
    assert "coords.csv, lines 2 and 4: the level is given 2 times" in bad[0].reason


def test_a_level_given_twice_under_two_names_of_the_study(table):
    path = table(HEADER + ROW + ROW.replace("100206310", "1.2.3"))
    points, bad = read_points(path, ("100206310", "1.2.3"))
    assert points == []
    assert "coords.csv, lines 2 and 3: the level is given 2 times" in bad[0].reason
    # Of two studies, as far as the table alone can tell.
    assert len(read_points(path)[0]) == 2


def test_ids_as_pandas_writes_them_beside_missing_values(table):
    path = table(HEADER + ROW.replace("100206310,1012284084,", "100206310.0,1012284084.0,"))
    assert read_points(path) == read_points(path, ("100206310",)) == ([POINT], [])
    # Just as well the other way round, should a folder be named so.
    assert read_points(table(HEADER + ROW), ("100206310.0",)) == ([POINT], [])
    points, _ = read_points(table(HEADER + ROW.replace("100206310", "1.2.0")))
    assert points[0].study_id == "1.2.0"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        ("  \n", "the file is empty"),
        (HEADER, "no rows"),
        ("a,b\n1,2\n", "'instance_number' is missing"),
        ("study_id;instance_number;x;y\n", "'level' is missing"),
        ("level,instance_number,x,y,Study ID,study_id\n", "line 1: the column 'study_id' is there"),
        (HEADER + ROW.strip() + HEADER + ROW, "coords.csv, line 2: a row and a header are on one"),
        (HEADER + ROW + "level,instance_number,x,y,X\n", "line 3: the column 'x' is there twice"),
        (b"\xff\xfel\x00e", "not UTF-16 text (byte 4)"),
        ("level,instance_number,x,X,y\nL1/L2,1,1,2,3\n", "'x' is there twice"),
        ("instance,level,x,y\n1,L1/L2,1,2\n", "Did you mean 'instance'?"),
        (b"level,instance_number,x,y\nL1/L2,1,\xff,2\n", "not UTF-8 text (byte 34)"),
        (b"PK\x03\x04\0\0\0", "no text file"),
        (HEADER + '"1,2,3\n', "cannot be read as CSV"),
    ],
)
def test_unusable_csv(table, text, what):
    assert what in problem(table(text))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not valid JSON"),
        ("{}", "a list of objects"),
        ("[1]", "a list of objects"),
        ("[]", "empty"),
        ('[{"level": "L1/L2"}]', "entry 1: the column 'instance_number' is missing"),
        ("[" * 100_000, "not valid JSON"),
        ("[" + "1" * 5000 + "]", "not valid JSON"),
    ],
)
def test_unusable_json(table, text, what):
    assert what in problem(table(text, "coords.json"))


def test_no_such_file(tmp_path):
    assert "no such file" in problem(tmp_path / "none.csv")
    assert "cannot be read" in problem(tmp_path)


def test_terminal_codes_are_not_repeated(table):
    _, bad = read_points(table(HEADER + ROW.replace("180.36", "\x1b[2Jx")))
    assert "\x1b" not in bad[0].reason


coordinate = st.floats(0, 1000).map(lambda value: float(f"{value:.6g}"))


@given(
    points=st.lists(
        st.builds(
            Point,
            st.just("s"),
            st.sampled_from(["1.2.3", "77", ""]),
            st.integers(1, 500),
            st.sampled_from(Condition),
            st.sampled_from(Level),
            coordinate,
            coordinate,
        ),
        min_size=1,
        unique_by=lambda point: (point.condition, point.level),
    )
)
def test_what_is_written_is_read_again(points, tmp_path_factory):
    path = tmp_path_factory.mktemp("points") / "coords.csv"
    write_points(path, points)
    assert read_points(path) == (points, [])


def test_what_is_not_visible_and_the_remark_come_back(tmp_path):
    left = Condition.LEFT_SUBARTICULAR
    point = Point("5", "7", 3, left, Level.L4_L5, 10.25, 20.0, "=six lumbar vertebrae")
    absent = BadPoint("5", left, Level.L5_S1, NOT_VISIBLE)
    faulty = BadPoint("5", left, Level.L1_L2, "line 4, column x: 'abc' is not a number.")
    path = tmp_path / "coords.csv"
    write_points(path, [point], [absent, faulty], point.remark)
    assert read_points(path) == ([point], [absent])
    assert {row.remark for rows in read_points(path) for row in rows} == {point.remark}
    # Where there is nothing to be said, the columns are RSNA's alone.
    write_points(path, [point], [faulty])
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_who_set_a_point_comes_back_and_rows_of_several_studies_keep_their_remarks(tmp_path):
    left, right = Condition.LEFT_SUBARTICULAR, Condition.RIGHT_SUBARTICULAR
    sources = (PointSource.CLICKED, PointSource.PROPOSED, PointSource.GIVEN)
    points = [
        Point("5", "7", 3, left, Level.L4_L5, 10.25, 20.0, "six", source=sources[0]),
        Point("5", "7", 3, right, Level.L4_L5, 11.25, 20.0, "six", source=sources[1]),
        Point("6", "7", 3, left, Level.L4_L5, 10.25, 20.0, source=sources[2]),
    ]
    path = tmp_path / "coords.csv"
    write_points(path, points, [BadPoint("6", left, Level.L5_S1, NOT_VISIBLE)], None)
    read, (absent,) = read_points(path)
    assert [(point.source, point.remark) for point in read] == list(
        zip(sources, ("six", "six", ""), strict=True)
    )
    assert absent.not_visible
    # Tables of others may have a column of this name.
    path.write_text(",".join((*COLUMNS, "points")) + "\n5,7,3,,L4/L5,10,20,12\n")
    assert read_points(path)[0][0].source is PointSource.GIVEN


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("5,7,3,,L4/L5,10,20,maybe", "'maybe' is neither yes nor no"),
        ("5,7,3,,L4/L5,10,20,yes", "it says yes, but there is a point"),
        ("5,,,,L9,,,yes", "'L9' is no level"),
        ("5,,,,L4/L5,,,yes\n5,7,3,,L4/L5,10,20,no", "the level is given 2 times"),
    ],
)
def test_a_row_that_contradicts_itself_is_not_used(tmp_path, row, reason):
    path = tmp_path / "coords.csv"
    path.write_text(",".join((*COLUMNS, "Not visible")) + f"\n{row}\n")
    points, (bad,) = read_points(path)
    assert points == []
    assert reason in bad.reason
