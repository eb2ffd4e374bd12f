"""What may happen, whatever a file holds: a result, or an error that says what to do."""

import io
import re
from contextlib import contextmanager

from lss_cli.cli.environment import Environment
from lss_cli.cli.main import main
from lss_cli.errors import ExitCode, LssError

PATIENT = "SECRETIVE"
ALLOWED = {ExitCode.DONE, ExitCode.USAGE, ExitCode.UNUSABLE_INPUT, ExitCode.INCOMPLETE}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


class BrokenError(AssertionError):
    """A promise that was not kept.

    Args:
        what: Which; equal ones are counted together.
        detail: What is special about this time.
    """

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(what)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.args[0]} {self.detail}".strip()


@contextmanager
def may_refuse():
    """An error that a user can put right is as good as a result, where its message is fit."""
    try:
        yield
    except LssError as error:
        check_text(str(error), "the message")
    except OSError as error:
        # As `lss_cli.cli.main` has it.
        if not error.strerror:
            raise


def check_text(text: str, what: str, *, control: bool = False) -> None:
    """It holds neither patient nor, unless they are cleaned later, control characters."""
    if PATIENT in text:
        raise BrokenError(f"{what} names the patient")
    if control and (found := CONTROL.search(text)):
        raise BrokenError(f"{what} holds {found[0]!r}")


def run_lss(*arguments: object) -> tuple[int, str]:
    """Run a command in this process; gives its exit code and what it printed.

    Raises:
        BrokenError: It ended by a fault of ours, or printed what it should not.
    """
    out, err = io.StringIO(), io.StringIO()
    try:
        main([*map(str, arguments), "--debug"], Environment(out, err, {}, "linux"))
    except SystemExit as end:
        code = end.code or 0
    printed = out.getvalue() + err.getvalue()
    if code not in ALLOWED:
        frames = re.findall(r'File "([^"]+)", line (\d+)', err.getvalue())
        where = ":".join(next((one for one in reversed(frames) if "lss_cli" in one[0]), ("", "")))
        last = err.getvalue().strip().splitlines()[-2:]
        raise BrokenError(
            f"exit code {code} at {where.rpartition('lss_cli')[2]}: {' '.join(last)[:200]}"
        )
    # The traceback of --debug is for us.
    text = re.sub(r"Traceback.*?(?=\nlss: |\Z)", "", printed, flags=re.DOTALL)
    check_text(text, "what is printed", control=True)
    return code, text
