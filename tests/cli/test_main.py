"""What the command is before it runs one of its commands."""

import os
import subprocess
import sys

import pytest

from lss_cli.cli.main import COMMANDS, load_command


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("lss pre", ["predict", "prepare"]),
        ("lss train --back", ["--backbone"]),
        ("lss train --backbone v", ["vgg16"]),
    ],
)
def test_the_shell_completes(line, completions):
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    result = subprocess.run(
        [sys.executable, "-c", "from lss_cli.cli.main import main; main()"],
        env=os.environ | words | {"_LSS_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == completions


def test_the_script_for_a_shell_is_shown(lss, monkeypatch):
    # Typer would look for the shell that the tests run under, of which there may be none.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    code, out, _ = lss("--show-completion", "bash")
    assert code == 0
    assert "_LSS_COMPLETE=complete_bash" in out


@pytest.mark.parametrize("command", ["predict", "train", "prepare", "doctor"])
def test_every_command_has_the_common_options(lss, command):
    _, out, _ = lss(command, "--help")
    assert "--quiet" in out
    assert "--debug" in out


@pytest.mark.parametrize(("command", "summary"), COMMANDS.items())
def test_the_help_says_of_a_command_what_the_command_says(command, summary):
    assert load_command(command).__doc__.splitlines()[0] == summary
