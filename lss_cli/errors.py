"""Every error that a user can cause, and the exit code that it ends in.

Library code raises these; ``lss_cli.cli.main`` is the one place that turns them into a message.
A message says what is wrong, where, and what to do about it.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller.

    Attributes:
        DONE: All went well.
        FAULT: A fault of ours.
        USAGE: The command was used wrongly.
        UNUSABLE_INPUT: The input cannot be used, or an extra is not installed.
        INCOMPLETE: Finished, but some levels or studies were not graded.
        INTERRUPTED: The user stopped it.
    """

    DONE = 0
    FAULT = 1
    USAGE = 2
    UNUSABLE_INPUT = 3
    INCOMPLETE = 4
    INTERRUPTED = 130


class LssError(Exception):
    """Something that the user can put right.

    Args:
        what: What is wrong, as a full sentence without patient identity.
        where: File, line, column or tag.
        todo: What to do about it, as a full sentence.
    """

    exit_code = ExitCode.UNUSABLE_INPUT

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f" {self.todo}" if self.todo else "")


class UsageError(LssError):
    """Options that do not go together."""

    exit_code = ExitCode.USAGE


class StudyError(LssError):
    """A study folder, series, slice or DICOM file that cannot be used."""


class SliceNotFoundError(StudyError):
    """A point names a series or a slice that is not there, or that is not the only one."""


class PointOutsideError(StudyError):
    """A point lies beside the slice that it names."""


class PointsError(LssError):
    """A table of points, or one point in it, that cannot be used."""


class OutdatedPageError(LssError):
    """A page on which points are set, while another has changed them."""


class ModelError(LssError):
    """A model file that is not one of ours, or does not fit the request."""


class DataError(LssError):
    """Tables, images or prepared data that cannot be used for training."""


class OutputError(LssError):
    """A place that cannot be written to."""


class MissingExtraError(LssError):
    """A command whose optional packages are not installed."""

    def __init__(self, command: str, package: str, install: str) -> None:
        super().__init__(
            f"'{command}' needs {package}, which is not installed.",
            todo=f"Install it with: {install}",
        )
