"""A search that several processes may work on: where it is kept, and who tries what.

Optuna hands out trials, and its storage sees to it that no two processes get the same. What it
does not do for every storage is done here: each process gives signs of life of the trial that it
works on, as an attribute that changes. One that another process has seen unchanged for long enough
is taken back and tried again. No clocks are compared, and no process or machine has to be known.
"""

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from lss_cli.errors import DataError, UsageError
from lss_cli.extras import install_package
from lss_cli.text import printable

NAME = "lss"
JOURNAL = "journal:///"

# Between two signs of life; without one for so long, a trial's process is taken for dead.
BEAT_S = 10.0
LOST_S = 60.0
# Between two looks at what the others do.
POLL_S = 2.0
# What was lost so often takes its process with it, and is not tried again.
MOST_LOST = 3
# How long a database that another process locks is waited for.
LOCKED_S = 60

# Attributes of a trial: its sign of life, what it is to try, and why it was given back.
BEAT, WANTED, RETURNED = "beat", "wanted", "returned"
# Ctrl-C; its process died; another process was faster. The last are never shown.
INTERRUPTED, LOST, SURPLUS = "interrupted", "lost", "surplus"

# What storages raise where they cannot be reached.
UNREACHABLE = (StorageInternalError, SQLAlchemyError, OSError)

Combination = dict[str, Any]


class SharedSearch:
    """A study, and this process's part in it.

    Args:
        storage: Where it is kept.
        study: Of that storage.
        trials: How many there shall be in the end, complete or stopped.
        whole: All combinations, if each of them is to be tried once instead.
    """

    def __init__(
        self,
        storage: BaseStorage,
        study: optuna.Study,
        trials: int,
        whole: Sequence[Combination] | None,
    ) -> None:
        self.study, self.whole = study, whole
        self._storage, self._trials = storage, trials
        self._study_id = storage.get_study_id_from_name(study.study_name)
        # By number: the last sign of life, and when it was first seen.
        self._seen: dict[int, tuple[Any, float]] = {}

    def ask(self, tell: Callable[[str], None]) -> optuna.Trial | None:
        """The next trial for this process, or ``None`` when there are as many as there shall be.

        While others work on the last ones, it waits: one of them may be lost.

        Args:
            tell: Called with what is being waited for.
        """
        told = False
        while True:
            self._take_back()
            if self._is_work_left():
                trial = self.study.ask()
                if not self._is_surplus(trial):
                    return trial
                self.give_back(trial.number, SURPLUS)
                continue
            running = self.trials(TrialState.RUNNING)
            if not running or len(self._ended()) >= self._trials:
                return None
            if not told:
                numbers = ", ".join(str(trial.number + 1) for trial in running)
                tell(f"Other processes work on trial {numbers}; waiting for the outcome.")
                told = True
            time.sleep(POLL_S)

    @contextlib.contextmanager
    def hold(self, trial: optuna.Trial) -> Iterator[None]:
        """Give signs of life of a trial; one that ends without an outcome is given back."""
        trial_id = self._id(trial.number)
        ended = threading.Event()

        def beat() -> None:
            for count in itertools.count():
                # What cannot be written now may be next time.
                with contextlib.suppress(UpdateFinishedTrialError, *UNREACHABLE):
                    self._storage.set_trial_user_attr(trial_id, BEAT, count)
                if ended.wait(BEAT_S):
                    return

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        except UpdateFinishedTrialError:
            raise
        except BaseException:  # Ctrl-C too
            self.give_back(trial.number, INTERRUPTED)
            raise
        finally:
            ended.set()
            thread.join()

    def give_back(self, number: int, why: str) -> None:
        """End a trial without an outcome; unless it is surplus, it is tried again."""
        trial_id = self._id(number)
        try:
            self._storage.set_trial_user_attr(trial_id, RETURNED, why)
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:
            # Another process was faster, or its own is alive and has ended it.
            return
        trial = self._storage.get_trial(trial_id)
        wanted = _wanted(trial)
        if why != SURPLUS and self.whole is None and wanted and not self._is_hopeless(wanted):
            self.study.enqueue_trial(wanted, user_attrs={WANTED: wanted})

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Those in some states."""
        return self.study.get_trials(deepcopy=False, states=states)

    def _id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def _ended(self) -> list[FrozenTrial]:
        return self.trials(TrialState.COMPLETE, TrialState.PRUNED)

    def _take_back(self) -> None:
        """Free what processes left behind that are gone."""
        now = time.monotonic()
        for trial in self.trials(TrialState.RUNNING):
            beat = trial.user_attrs.get(BEAT)
            seen, since = self._seen.get(trial.number, (None, 0.0))
            if not since or beat != seen:
                self._seen[trial.number] = beat, now
            elif now - since > LOST_S:
                self.give_back(trial.number, LOST)

    def _is_work_left(self) -> bool:
        if self.whole is None:
            return len(self._ended()) + len(self.trials(TrialState.RUNNING)) < self._trials
        known = [_wanted(trial) for trial in self.study.trials if not returned(trial)]
        for combination in self.whole:
            if combination not in known and not self._is_hopeless(combination):
                self.study.enqueue_trial(combination, user_attrs={WANTED: combination})
        return bool(self.trials(TrialState.WAITING))

    def _is_surplus(self, trial: optuna.Trial) -> bool:
        """Whether what was asked for is one too many: several processes asked for the last one.

        Trials are numbered by the storage, so that all processes agree on which were earlier.
        """
        earlier = [
            other
            for other in self.study.get_trials(deepcopy=False)
            if other.number < trial.number and not returned(other)
        ]
        if self.whole is None:
            return sum(other.state != TrialState.FAIL for other in earlier) >= self._trials
        wanted = trial.user_attrs.get(WANTED)
        return wanted is None or any(_wanted(other) == wanted for other in earlier)

    def _is_hopeless(self, wanted: Combination) -> bool:
        lost = [trial for trial in self.trials(TrialState.FAIL) if returned(trial) == LOST]
        return sum(_wanted(trial) == wanted for trial in lost) >= MOST_LOST


def returned(trial: FrozenTrial) -> str:
    """Why a trial was given back; empty if it was not."""
    return str(trial.user_attrs.get(RETURNED, "")) if trial.state == TrialState.FAIL else ""


def _wanted(trial: FrozenTrial) -> Combination:
    return dict(trial.user_attrs.get(WANTED) or trial.params)


def open_storage(url: str) -> BaseStorage:
    """Open the database of a URL, or a journal file, ``journal:///PATH``.

    Args:
        url: May hold a password, which no message repeats.

    Raises:
        UsageError: It is no URL, or of a kind that there is not.
        DataError: It cannot be reached, or its driver is not installed.
    """
    if url.startswith(JOURNAL):
        return _open_journal(url.removeprefix(JOURNAL))
    todo = f"There is sqlite:///FILE, {JOURNAL}FILE, postgresql://USER@HOST/NAME and mysql://…"
    try:
        parsed = sqlalchemy.make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError("--storage is no URL of a database.", todo=todo) from None
    where = printable(parsed.set(query={}).render_as_string(hide_password=True))
    waiting = {"timeout": LOCKED_S} if parsed.get_backend_name() == "sqlite" else {}
    for attempt in itertools.count(1):
        try:
            return RDBStorage(url, engine_kwargs={"connect_args": waiting})
        except NoSuchModuleError:
            raise UsageError(
                f"--storage: there is no kind of database {printable(parsed.drivername)!r}.",
                todo=todo,
            ) from None
        except ImportError as error:
            driver = getattr(error.__cause__, "name", None) or parsed.get_backend_name()
            package = {"MySQLdb": "mysqlclient"}.get(driver, driver)
            raise DataError(
                f"the driver {printable(driver)} of this database is not installed.",
                where=where,
                todo=f"Install it with: {install_package(package)}",
            ) from None
        except SQLAlchemyError as error:
            # Of two processes that make the tables at the same moment one is refused, once.
            if attempt > 2 or "exist" not in str(error).lower():
                raise unreachable(error, where) from None
            time.sleep(1)
    raise AssertionError


def unreachable(error: Exception, where: str = "") -> DataError:
    """What to say of a storage that does not answer; what it says itself may hold secrets."""
    return DataError(
        f"the database of the search cannot be used ({type(error).__name__}).",
        where=where,
        todo="See whether it is there and lets you in; the same command then goes on.",
    )


def _open_journal(path: str) -> JournalStorage:
    where = printable(path)
    try:
        return JournalStorage(JournalFileBackend(path))
    except OSError as error:
        raise unreachable(error, where) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"this file is no journal of a search ({type(error).__name__}).",
            where=where,
            todo="Name another: --storage.",
        ) from None


def open_search(
    storage: BaseStorage,
    about: Any,
    trials: int,
    whole: Sequence[Combination] | None,
    sampler: Callable[[int], optuna.samplers.BaseSampler],
    pruner: optuna.pruners.BasePruner,
    where: str,
) -> SharedSearch:
    """Open the search of a storage, or begin it.

    Args:
        storage: Where it is kept.
        about: What it depends on, as plain values.
        trials: As of `SharedSearch`.
        whole: As of `SharedSearch`.
        sampler: Makes what chooses, of the number of trials so far.
        pruner: What stops trials.
        where: What to call the storage.

    Raises:
        UsageError: The storage holds a search of something else.
    """
    study = optuna.create_study(
        storage=storage, study_name=NAME, load_if_exists=True, pruner=pruner
    )
    study.sampler = sampler(len(study.trials))
    text = json.dumps(about, sort_keys=True)
    if study.user_attrs.get("about", text) != text:
        raise UsageError(
            "there is a search of other data, options or another space already.",
            where=where,
            todo="Name another place: --out, or --storage where one is named.",
        )
    study.set_user_attr("about", text)
    return SharedSearch(storage, study, trials, whole)
