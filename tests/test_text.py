import pytest

from lss_cli.text import escape_formula, join_words, printable, suggest, unescape_formula


def test_lists_in_sentences():
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=1+1", "\r\n\t@x"])
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
