import io

from rich.console import Console

from lss_cli.render.table import plain_table


def printed(table, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_numbers_stand_to_the_right_and_there_is_no_frame():
    table = plain_table("level", "rows", numbers=[1], rows=[("L1/L2", "5"), ("all", "1,234")])
    assert printed(table) == ["level   rows", "────────────", "L1/L2      5", "all    1,234"]


def test_what_looks_like_markup_is_text_and_a_title_is_not_cut():
    lines = printed(plain_table("[red]", title="Points by [level]", rows=[("x",)]))
    assert lines[0] == "Points by [level]"
    assert lines[1] == "[red]"


def test_only_a_column_that_may_is_wrapped():
    long = "a definition of many words"
    table = plain_table("name", "text", wrapped=["text"], rows=[("accuracy", long)])
    assert " ".join(" ".join(printed(table, 24)[2:]).split()) == f"accuracy {long}"
