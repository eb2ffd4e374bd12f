"""What a search has found so far: its trials, the best options, and the files that say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import tomli_w
from optuna.trial import TrialState

from lss_cli.dataset.dataframes import write_table
from lss_cli.files import write_text
from lss_cli.training.options import TrainingOptions
from lss_cli.training.search import SURPLUS, returned

BEST, ALL_TRIALS, IMPORTANCE = "best.toml", "trials.csv", "importance.csv"

# With fewer complete trials it would be a guess.
FEWEST_FOR_IMPORTANCE = 4

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}

# What is told of each trial beside its loss, by the name of its column.
LOW, HIGH = "val_loss_low", "val_loss_high"
FIGURES = {"val_accuracy": "accuracy", "val_auc_at_least_moderate": "auc_at_least_moderate"}


@dataclass(frozen=True)
class Trial:
    """One training of the search.

    Attributes:
        number: From 1.
        state: ``complete``, ``pruned`` (stopped early) or ``failed``; ``interrupted`` or ``lost``
            if it was begun again as another.
        value: Its validation log loss; ``None`` without an outcome.
        params: What it tried, by option.
        metrics: `LOW` and `HIGH`, the ends of the 95 % interval of the loss, and `FIGURES`.
        start: The weights that it started from, for people; empty where it failed before.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    metrics: Mapping[str, float | None]
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


def sort_trials(study: optuna.Study) -> list[Trial]:
    """The trials that have ended, the best first; only failed ones have no value."""
    order = list(STATES)
    trials = [
        trial
        for trial in study.get_trials(deepcopy=False, states=tuple(STATES))
        if returned(trial) != SURPLUS
    ]
    return [
        Trial(
            trial.number + 1,
            returned(trial) or STATES[trial.state],
            trial.value,
            trial.params,
            {name: trial.user_attrs.get(name) for name in (LOW, HIGH, *FIGURES)},
            trial.user_attrs.get("start", ""),
        )
        for trial in sorted(trials, key=lambda trial: (order.index(trial.state), trial.value or 0))
    ]


def write_results(
    study: optuna.Study, out: Path, base: TrainingOptions, epochs: int | None
) -> TuningResult:
    """Write what is known so far.

    Args:
        study: The search.
        out: The folder.
        base: What is not searched.
        epochs: Of later trainings, if they were not searched; ``None`` for the usual.

    Raises:
        OutputError: A file cannot be written.
    """
    trials = sort_trials(study)
    complete = sum(trial.state == "complete" for trial in trials)
    best = base
    if complete:
        # Searches made before 0.2 say nothing of their weights; they started as they were told to.
        weights = study.best_trial.user_attrs.get("weights", best.weights)
        best = replace(best, weights=weights, **study.best_params)
    importance: dict[str, float] = {}
    if complete >= FEWEST_FOR_IMPORTANCE and len(study.best_params) > 1:
        importance = optuna.importance.get_param_importances(study)
    values = best.to_json()
    if not complete or "epochs" not in study.best_params:
        # The search's own may be fewer than a training wants.
        del values["epochs"]
        values |= {} if epochs is None else {"epochs": epochs}
    write_text(out / BEST, tomli_w.dumps(values))
    rows = [
        {"trial": trial.number, "state": trial.state, "val_loss": trial.value}
        | dict(trial.metrics)
        | {"start": trial.start}
        | dict(trial.params)
        for trial in trials
    ]
    numbers = dict.fromkeys(("val_loss", LOW, HIGH, *FIGURES), float)
    write_table(pd.DataFrame(rows).astype(numbers) if rows else pd.DataFrame(), out / ALL_TRIALS)
    options = pd.DataFrame(importance.items(), columns=["option", "importance"])
    write_table(options, out / IMPORTANCE)
    return TuningResult(best, trials, importance)
