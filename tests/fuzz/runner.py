"""``python -m tests.fuzz``: try damaged, odd and hostile inputs for some minutes.

Each kind runs in processes of its own, so that a crash or a hang costs one case. Every case depends
on the seed, the kind and its number alone; a failure is printed with what repeats it.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.oracle import BrokenError

# A case takes milliseconds; one that takes this long hangs.
HANG_S = 30.0
MOST_MEMORY = 8 * 2**30
KINDS = {
    "dicom": ("tests.fuzz.kinds", "dicom"),
    "unnoticed": ("tests.fuzz.unnoticed", "unnoticed"),
    "points": ("tests.fuzz.kinds", "points"),
    "models": ("tests.fuzz.kinds", "models"),
    "predictions": ("tests.fuzz.kinds", "predictions"),
    "images": ("tests.fuzz.kinds", "images"),
    "runs": ("tests.fuzz.kinds", "runs"),
    "toml": ("tests.fuzz.kinds", "toml"),
    "journal": ("tests.fuzz.kinds", "journal"),
    "requests": ("tests.fuzz.page", "requests"),
}


@dataclass
class Outcome:
    """What came of one kind: how many cases, and of each failure how often and first where."""

    kind: str
    cases: int = 0
    seconds: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)

    def fail(self, number: int, why: str) -> None:
        """Count a failure."""
        self.failures[why] += 1
        self.first.setdefault(why, number)


def try_cases(
    kind: str, place: tuple[str, str], seed: int, numbers: range, at: Any, results: Any
) -> None:
    """In a process of its own: try one case after another, and say what failed."""
    import importlib

    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    if kind != "runs":
        # Keras reserves more addresses than it uses.
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    module, name = place
    with tempfile.TemporaryDirectory(prefix="lss-fuzz-") as folder:
        case = getattr(importlib.import_module(module), name)(Path(folder))
        results.send(None)
        parent = os.getppid()
        for number in numbers:
            if os.getppid() != parent:
                # Nobody is left who would end it.
                break
            at.value = number
            try:
                case(Random(f"{seed} {kind} {number}"))
            except Exception as error:
                results.send((number, describe(error)))
        results.send("end")
        # A server thread would be waited for.
        results.close()
    os._exit(0)


def describe(error: BaseException) -> str:
    """Type and place of a failure, by which equal ones are counted."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "lss_cli" in frame.filename]
    place = ""
    if ours:
        place = f" in {ours[-1].filename.rpartition('lss_cli')[2]}, {ours[-1].name}"
    text = error.args[0] if isinstance(error, BrokenError) else type(error).__name__
    return text.encode("ascii", "backslashreplace").decode()[:300] + place


def fuzz(kind: str, place: tuple[str, str], seed: int, seconds: float, most: int) -> Outcome:
    """Try one kind until its time or its cases are up, in new processes after crashes.

    Args:
        kind: Its name.
        place: Module and name of the function that makes its corpus and tries a case.
        seed: Of all cases.
        seconds: How long, from when the corpus is there.
        most: Cases at most.
    """
    outcome = Outcome(kind)
    spawn = multiprocessing.get_context("spawn")
    deadline, number = None, 0
    began = time.monotonic()
    while number < most and (deadline is None or time.monotonic() < deadline):
        at, (results, sender) = spawn.Value("q", number), spawn.Pipe(duplex=False)
        worker = spawn.Process(
            target=try_cases,
            args=(kind, place, seed, range(number, most), at, sender),
            daemon=True,
        )
        worker.start()
        sender.close()
        try:
            if not results.poll(120):
                raise EOFError
            results.recv()
        except EOFError:
            outcome.fail(number, "the corpus cannot be made")
            worker.kill()
            break
        if deadline is None:
            began = time.monotonic()
            deadline = began + seconds
        last, since, why = at.value, time.monotonic(), ""
        while time.monotonic() < deadline:
            try:
                while results.poll(0.1):
                    if (told := results.recv()) == "end":
                        raise StopIteration
                    outcome.fail(*told)
            except EOFError:
                why = "the process died"
                break
            except StopIteration:
                at.value = most
                break
            if at.value != last:
                last, since = at.value, time.monotonic()
            elif time.monotonic() - since > HANG_S:
                why = f"it took more than {HANG_S:g} s"
                break
        worker.kill()
        worker.join()
        if why:
            outcome.fail(at.value, why)
        outcome.cases += at.value - number + bool(why)
        number = at.value + 1
    outcome.seconds = time.monotonic() - began
    return outcome


def main() -> int:
    """Run, and print what came of it; 1 where something failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--cases", type=int, default=10**9, help="at most, of each kind")
    parser.add_argument("--case", type=int, help="repeat one case, in this process")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    kinds = given.kind or list(KINDS)
    if given.case is not None:
        return repeat(kinds[0], given.seed, given.case)
    seconds = given.minutes * 60 * min(given.workers, len(kinds)) / len(kinds)
    failed = 0
    with ThreadPoolExecutor(given.workers) as pool:
        outcomes = pool.map(
            lambda kind: fuzz(kind, KINDS[kind], given.seed, seconds, given.cases), kinds
        )
        total = 0
        for outcome in outcomes:
            total += outcome.cases
            failed += outcome.failures.total()
            print(f"{outcome.kind:12} {outcome.cases:8} cases, {outcome.failures.total()} failed")
            for why, count in outcome.failures.most_common():
                print(f"    {count} x {why}")
                print(
                    f"        python -m tests.fuzz --kind {outcome.kind} --seed {given.seed} "
                    f"--case {outcome.first[why]}",
                    flush=True,
                )
        print(f"{total} cases, {failed} failed, seed {given.seed}")
    return 1 if failed else 0


def repeat(kind: str, seed: int, number: int) -> int:
    """One case again, with its whole traceback."""
    import importlib

    warnings.simplefilter("ignore")
    module, name = KINDS[kind]
    folder = Path(tempfile.mkdtemp(prefix="lss-fuzz-"))
    print(f"in {folder}")
    getattr(importlib.import_module(module), name)(folder)(Random(f"{seed} {kind} {number}"))
    print("it went well")
    os._exit(0)
