# ruff: noqa: RUF009 - `option` makes a field, as `dataclasses.field` does
from dataclasses import dataclass
from typing import Literal

import pytest
import typer
from typer.testing import CliRunner

from lss_cli.cli.options import with_options_of
from lss_cli.dataset.options import PrepareOptions
from lss_cli.errors import UsageError
from lss_cli.options import OptionSet, option, read_toml
from lss_cli.training.options import TrainingOptions


@dataclass(frozen=True)
class Part:
    width: float = 1.0


@dataclass(frozen=True)
class Some(OptionSet):
    count: int = option(2, "How many.", low=1, high=9)
    kind: Literal["a", "b"] = option("a", "Which.")
    part: Part = option(Part(), "Of what.", parts={"width": option(None, "How wide.")})
    names: tuple[str, ...] = option(("x",), "Of whom.", flag="--name", parser=str.upper)


def test_values_are_checked_from_construction_on():
    assert Some(count=9).count == 9
    with pytest.raises(UsageError, match="count is 10, it can be 1 to 9"):
        Some(count=10)
    with pytest.raises(UsageError, match=r"kind is 'c'.*There is: a, b"):
        Some(kind="c")
    with pytest.raises(UsageError, match=r"no option 'cuont'\. Did you mean 'count'"):
        Some.from_mapping({"cuont": 1}, "file")


def test_whole_numbers_may_be_written_with_a_point():
    @dataclass(frozen=True)
    class Nodes(OptionSet):
        nodes: tuple[int, ...] = option((1, 2), "Which.", low=1)

    count = Some.from_mapping({"count": 2.0}, "file").count
    assert (count, type(count)) == (2, int)
    for odd in (2.5, float("inf"), True, "2"):
        with pytest.raises(UsageError, match="int wanted"):
            Some.from_mapping({"count": odd}, "file")
    assert Nodes.check_value("nodes", [3.0, 4]) == (3, 4)
    with pytest.raises(UsageError, match="whole numbers wanted"):
        Nodes.check_value("nodes", (2.5,))


def test_several_may_come_as_a_list_as_from_the_command_line():
    assert Some.from_mapping({"names": ["a", "b"]}, "file").names == ("a", "b")


def test_a_part_is_an_option_of_its_own():
    assert Some.from_mapping({"width": 3.0}, "file") == Some(part=Part(3.0))


def test_toml_is_read_as_it_was_written(tmp_path):
    @dataclass(frozen=True)
    class Flat(OptionSet):
        count: int = option(2, "How many.")
        nodes: tuple[int, ...] = option((1, 2), "Which.")
        text: str = option('"\\\n', "Odd.")
        on: bool = option(True, "Whether.")

    (tmp_path / "o.toml").write_text(Flat().to_toml())
    assert read_toml(tmp_path / "o.toml") == {**Flat().to_json(), "nodes": [1, 2]}


def test_a_command_takes_what_was_typed_and_no_default():
    seen = {}

    @with_options_of(Some)
    def command(*, context: typer.Context, options: dict, other: int = 5) -> None:
        seen.update(options)

    app = typer.Typer(rich_markup_mode=None)
    app.command()(command)
    run = CliRunner().invoke
    assert run(app, ["--count", "2", "--name", "a", "--name", "b", "--width", "4"]).exit_code == 0
    assert seen == {"count": 2, "names": ["A", "B"], "width": 4.0}
    text = run(app, ["--help"]).output
    assert "How many.  [default: 2]" in text
    assert "--kind" in text
    assert text.index("--count") < text.index("--width") < text.index("--other")


DEEP = [
    "epochs = " + "[" * 100_000,
    "epochs = " + "{a = " * 5000,
    ".".join(["epochs"] * 2000) + " = 1",
    f"[{'.'.join(['epochs'] * 2000)}]",
    "epochs = " + "9" * 5000,
    "epochs = 1e999",
    "epochs = 1\n" + "#" * 2**20,
    # A minute's work for tomllib.
    "a." * 60_000 + "b = 1",
    "\0",
]


@pytest.mark.parametrize("text", DEEP, ids=range(len(DEEP)))
def test_a_file_that_is_too_deep_or_too_large_is_refused(text, tmp_path):
    path = tmp_path / "options.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        TrainingOptions.from_mapping(read_toml(path), str(path))
    assert len(str(caught.value)) < 400


ODD = [1e300, 10**400, "x\x1b" * 3000, "\ud800", None, [[[]]], [10**30] * 3]


@pytest.mark.parametrize("options", [TrainingOptions, PrepareOptions])
def test_odd_values_are_taken_or_refused_in_few_words(options):
    for name in [*options.option_fields(), "x" * 5000, "\x1b"]:
        for value in ODD:
            try:
                options.from_mapping({name: value}, "file")
            except UsageError as error:
                assert len(str(error)) < 400
                assert str(error).isprintable()
