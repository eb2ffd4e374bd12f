"""A kind that breaks every promise, for the tests of the fuzzer."""

import os
import time
from pathlib import Path
from random import Random

from tests.fuzz.kinds import Case
from tests.fuzz.oracle import may_refuse


def broken(folder: Path) -> Case:
    """By turns: a fault, a crash, a hang, and nothing wrong."""
    tried = iter(range(100))
    first = folder.parent / f"lss-fuzz-broken-{os.getppid()}"

    def case(random: Random) -> None:
        number = int(first.read_text()) if first.exists() else next(tried)
        first.write_text(str(number + 1))
        if number == 1:
            with may_refuse():
                raise ZeroDivisionError
        if number == 3:
            os.abort()
        if number == 5:
            time.sleep(1000)
        if number == 7:
            first.unlink()

    return case
