import pytest

from lss_cli.errors import DataError, PointsError
from lss_cli.tables import CsvReader, check_columns, read_text, to_csv


def test_rows_know_their_line():
    reader = CsvReader('a, b\r\n1,"2\n3"\r\n\r\n4, 5\r\n', DataError, "t.csv")
    assert reader.names == ["a", "b"]
    assert [(reader.line, cells) for cells in reader] == [
        (3, ["1", "2\n3"]),
        (4, []),
        (5, ["4", "5"]),
    ]


@pytest.mark.parametrize("error", [DataError, PointsError])
def test_the_caller_says_what_is_raised(tmp_path, error):
    with pytest.raises(error, match="no such file"):
        read_text(tmp_path / "none.csv", error)
    with pytest.raises(error, match=r"t\.csv, line 2: it cannot be read as CSV"):
        list(CsvReader('a\n"1\n', error, "t.csv"))
    with pytest.raises(error, match="Did you mean 'leevl'"):
        check_columns(["leevl"], ["level"], error, "t.csv")


def test_only_columns_that_are_read_have_to_be_unique():
    check_columns(["a", "note", "note"], ["a"], DataError, "t.csv", known=["a"])
    with pytest.raises(DataError, match="'note' is there twice"):
        check_columns(["a", "note", "note"], ["a"], DataError, "t.csv")


def test_what_is_written_runs_no_formula():
    text = to_csv(["=a", "b"], [["@x", None], ["-5.5", -1.5], ["a,b", "L1/L2"]])
    assert to_csv(["a"], [["\n=1+1"]]) == 'a\n"\'\n=1+1"\n'
    assert text == "'=a,b\n'@x,\n-5.5,-1.5\n\"a,b\",L1/L2\n"


def test_what_is_written_drives_no_terminal():
    assert to_csv(["a"], [["\x1b[2J\x07x\x9b\0\ud800"], ["two\nlines"]]) == (
        'a\n?[2J?x???\n"two\nlines"\n'
    )
