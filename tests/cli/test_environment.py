import io
from pathlib import Path

import pytest
from rich.text import Text

from lss_cli.cli.environment import PIPED_WIDTH, Environment


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("platform", "variables", "there"),
    [
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {}, False),
        ("darwin", {}, True),
        ("win32", {}, True),
        ("darwin", {"SSH_CONNECTION": "1"}, False),
    ],
)
def test_where_a_screen_is(platform, variables, there):
    opened = []
    environment = Environment(
        platform=platform, variables=variables, open_link=lambda link: not opened.append(link)
    )
    assert environment.has_screen() is there
    assert environment.open_browser("http://127.0.0.1/") is there
    assert bool(opened) is there


@pytest.mark.parametrize(("no_color", "coloured"), [("1", False), ("", True)])
def test_no_color_is_honoured_on_a_terminal(no_color, coloured):
    terminal = Terminal()
    environment = Environment(stdout=terminal, variables={"NO_COLOR": no_color, "TERM": "xterm"})
    environment.results.print(Text("Severe", style="red"))
    assert ("\x1b[31m" in terminal.getvalue()) is coloured


def test_piped_output_has_a_width_of_its_own():
    assert Environment(stdout=io.StringIO()).results.width == PIPED_WIDTH
    assert Environment(stdout=io.StringIO(), width=77).results.width == 77


def test_quiet_silences_messages_and_not_errors():
    out, err = io.StringIO(), io.StringIO()
    environment = Environment(out, err, quiet=True)
    environment.messages.print("a remark")
    environment.results.print("a result")
    environment.error("a reason")
    assert (out.getvalue(), err.getvalue()) == ("a result\n", "lss: a reason\n")


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {"HOME": "/home/a"}, "/home/a/.local/state/lss"),
        ("linux", {"HOME": "/home/a", "XDG_STATE_HOME": "/state"}, "/state/lss"),
        ("linux", {"HOME": "/home/a", "XDG_STATE_HOME": "state"}, "/home/a/.local/state/lss"),
        ("darwin", {"HOME": "/Users/a"}, "/Users/a/Library/Application Support/lss"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/lss"),
        ("linux", {}, None),
    ],
)
def test_where_what_is_clicked_is_kept(platform, variables, folder):
    state = Environment(platform=platform, variables=variables).state
    assert state == (Path(folder) if folder else None)
