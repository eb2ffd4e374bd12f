import os
import stat

import pytest

from lss_cli.errors import OutputError
from lss_cli.files import check_writable, make_folder, replacing, write_text
from lss_cli.text import escape_formula, printable, suggest, unescape_formula


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_usual_permissions(tmp_path):
    write_text(tmp_path / "a", "ä\n")
    plain = tmp_path / "b"
    plain.touch()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert (tmp_path / "a").read_bytes() == "ä\n".encode()


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="this is a folder"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match="does not exist"):
        check_writable(tmp_path / "none" / "out.csv")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be created"):
        make_folder(tmp_path / "file" / "folder")


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may all")
def test_write_protected(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="write-protected"):
        check_writable(tmp_path / "out.csv")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas_are_quoted(cell):
    assert escape_formula(cell) == "'" + cell
    assert unescape_formula(escape_formula(cell)) == cell
    assert unescape_formula(cell) == cell


def test_other_text_is_left_alone():
    assert escape_formula("L1/L2 = fine") == "L1/L2 = fine"


def test_control_characters_do_not_reach_the_terminal():
    assert printable("a\x1b[2Jb\u202ec\n") == "a?[2Jb?c?"
    assert len(printable("x" * 500)) == 80


def test_a_near_word_is_suggested():
    assert suggest("leevl", ["level", "x"]) == " Did you mean 'level'?"
    assert suggest("zzz", ["level"]) == ""
