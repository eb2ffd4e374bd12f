"""Search for good options: many short trainings, each judged by its validation loss."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from lss_cli.dataset.dataframes import write_table
from lss_cli.dataset.prepared import Prepared
from lss_cli.errors import DataError, UsageError
from lss_cli.evaluation.sources import describe_start
from lss_cli.files import make_folder, write_text
from lss_cli.training.fit import OnProgress, Training, TrainingProgress
from lss_cli.training.imagenet import Tell
from lss_cli.training.options import AUTO, TrainingOptions
from lss_cli.training.space import Space, space_json, suggest_options
from lss_cli.training.start import choose_start, describe_weights
from lss_cli.training.train import check_trainable

STUDY, BEST, TRIALS, IMPORTANCE = "study.db", "best.toml", "trials.csv", "importance.csv"
NAME = "lss"

# Trials that run to their end before their median can stop others.
UNPRUNED_TRIALS = 5

# With fewer complete trials it would be a guess.
FEWEST_FOR_IMPORTANCE = 4

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class Trial:
    """One training of the search.

    Attributes:
        number: From 1.
        state: ``complete``, ``pruned`` or ``failed``.
        value: Its smallest validation log loss; ``None`` for a failed one.
        params: What it tried, by option.
        start: The weights that it started from, for people; empty where it failed before.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    start: str = ""


@dataclass(frozen=True)
class TuningResult:
    """What came out of a search.

    Attributes:
        best: The best options.
        trials: All, the best first.
        importance: Share of each option in the differences between trials; empty after too few.
    """

    best: TrainingOptions
    trials: Sequence[Trial]
    importance: Mapping[str, float]


def tune(
    data: Prepared,
    out: Path,
    base: TrainingOptions,
    space: Space,
    trials: int,
    show: Callable[[Sequence[Trial]], None],
    on_progress: OnProgress,
    tell: Tell = lambda _: None,
) -> TuningResult:
    """Search until there are so many trials; what is in `out` already counts.

    The study is kept in an SQLite file after each epoch, so the search can be interrupted and
    continued at will. A trial that is worse than the median of the others at the same epoch is
    stopped.

    Args:
        data: Prepared data that can be trained on.
        out: Folder for the study and its results; made if missing.
        base: What is not searched.
        space: What is.
        trials: How many there shall be in the end, complete or stopped.
        show: Called with all trials, the best first, after each.
        on_progress: As of a training.
        tell: As of `choose_start`.

    Raises:
        DataError: The data cannot be trained on, or every trial failed.
        OutputError: `out` cannot be written to.
        UsageError: `out` holds a search of something else.
    """
    check_trainable(data)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = _open_study(make_folder(out), data, base, space)

    def objective(trial: optuna.Trial) -> float:
        keras.backend.clear_session()
        losses: list[float] = []

        def observe(progress: TrainingProgress) -> None:
            on_progress(replace(progress, what=f"trial {trial.number + 1}, {progress.what}"))
            if progress.epoch:
                losses.append(progress.epoch.val_loss)
                trial.report(min(losses), progress.epoch.epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned

        asked = replace(base, **suggest_options(space, trial))
        options = _start_alike(study, asked, tell)
        trial.set_user_attr("weights", options.weights)
        trial.set_user_attr("start", describe_start(describe_weights(options)))
        Training(data, options, observe, features=out / "features").run()
        return min(losses)

    while len(_trials_in(study, TrialState.COMPLETE, TrialState.PRUNED)) < trials:
        study.optimize(objective, n_trials=1, catch=(DataError,))
        if len(study.trials) >= 2 * trials and not _trials_in(study, TrialState.COMPLETE):
            raise DataError(
                "every trial failed; their losses were no numbers.",
                todo="Search smaller learning rates: --space.",
            )
        show(_write_results(study, out, base).trials)
    return _write_results(study, out, base)


def _open_study(out: Path, data: Prepared, base: TrainingOptions, space: Space) -> optuna.Study:
    """Open the study in `out`, or make it.

    Raises:
        UsageError: It searches something else.
    """
    known = optuna.storages.RDBStorage(f"sqlite:///{out / STUDY}")
    begun = len(optuna.get_all_study_names(known)) > 0
    count = len(optuna.load_study(study_name=NAME, storage=known).trials) if begun else 0
    study = optuna.create_study(
        storage=known,
        study_name=NAME,
        load_if_exists=True,
        # With one seed throughout, a continued search would try again what it began with.
        sampler=optuna.samplers.TPESampler(seed=base.seed + count),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS),
    )
    asked = base.to_json() | {"weights": base.start}
    about = json.dumps([data.report["fingerprint"], asked, space_json(space)], sort_keys=True)
    if study.user_attrs.setdefault("about", about) != about:
        raise UsageError(
            "this folder holds a search of other data, options or another space.",
            where=str(out),
            todo="Name another: --out.",
        )
    study.set_user_attr("about", about)
    for trial in _trials_in(study, TrialState.RUNNING):
        # What a kill left behind will never report again.
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _start_alike(study: optuna.Study, options: TrainingOptions, tell: Tell) -> TrainingOptions:
    """All trials with a backbone start as the first one did, whenever a network is there."""
    key = f"weights of {options.backbone}"
    if options.weights == AUTO and key in study.user_attrs:
        return replace(options, weights=study.user_attrs[key])
    chosen = choose_start(options, tell)
    if options.weights == AUTO:
        study.set_user_attr(key, chosen.weights)
    return chosen


def _trials_in(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    return study.get_trials(states=states)


def _sort_trials(study: optuna.Study) -> list[Trial]:
    """The trials that have ended, the best first; only failed ones have no value."""
    order = list(STATES)
    return [
        Trial(
            trial.number + 1,
            STATES[trial.state],
            trial.value,
            trial.params,
            trial.user_attrs.get("start", ""),
        )
        for trial in sorted(
            _trials_in(study, *STATES),
            key=lambda trial: (order.index(trial.state), trial.value or 0),
        )
    ]


def _write_results(study: optuna.Study, out: Path, base: TrainingOptions) -> TuningResult:
    """Write what is known so far."""
    trials = _sort_trials(study)
    complete = len(_trials_in(study, TrialState.COMPLETE))
    best = base
    if complete:
        # Searches made before 0.2 say nothing of their weights; they started as they were told to.
        weights = study.best_trial.user_attrs.get("weights", base.weights)
        best = replace(base, weights=weights, **study.best_params)
    importance: dict[str, float] = {}
    if complete >= FEWEST_FOR_IMPORTANCE:
        importance = optuna.importance.get_param_importances(study)
    write_text(out / BEST, best.to_toml())
    rows = [
        {"trial": trial.number, "state": trial.state, "val_loss": trial.value, "start": trial.start}
        | dict(trial.params)
        for trial in trials
    ]
    write_table(pd.DataFrame(rows).astype({"val_loss": float}), out / TRIALS)
    options = pd.DataFrame(importance.items(), columns=["option", "importance"])
    write_table(options, out / IMPORTANCE)
    return TuningResult(best, trials, importance)
