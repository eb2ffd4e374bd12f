import pandas as pd
import pytest

from lss_cli.dataset.dataframes import read_table, write_table
from lss_cli.errors import DataError


def test_cells_stay_text_and_know_their_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'\xef\xbb\xbfstudy_id, x\r\n007, 1.50\r\n\r\n"8\n8",\r\n')

    table = read_table(path, ["study_id"])

    assert table["study_id"].tolist() == ["007", "8\n8"]
    assert table["x"].tolist() == ["1.50", ""]
    assert table["line"].tolist() == [2, 5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        ("study_id\nMüller\n".encode("latin-1"), "not UTF-8"),
        (b"study_id,x\n1\n", "line 2: this line has 1 cells, the header 2"),
        (b"x,study_id,x\n1,2,3\n", "'x' is there twice"),
        (b"studyid\n1\n", "'study_id' is missing. Did you mean 'studyid'?"),
        (b'study_id\n"1\n', "cannot be read as CSV"),
        (b"study_id\n\0\n", ""),
    ],
)
def test_a_bad_table_is_named_with_its_fault(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    if not message:
        read_table(path, ["study_id"])
        return
    with pytest.raises(DataError, match=r"t\.csv") as caught:
        read_table(path, ["study_id"])
    assert message in str(caught.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.csv: there is no such file"):
        read_table(tmp_path / "nothing.csv", [])


def test_no_cell_runs_as_a_formula_and_numbers_stay_numbers(tmp_path):
    path = tmp_path / "t.csv"
    write_table(pd.DataFrame({"a": ["=1+1", "-5.5", "@x"], "b": [1, 2, 3]}), path)
    assert path.read_text() == "a,b\n'=1+1,1\n-5.5,2\n'@x,3\n"
