"""Search for good options: many short trainings, each judged by its validation loss."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from lss_cli.dataset.prepared import Prepared
from lss_cli.dataset.redeal import share_validation
from lss_cli.dataset.split import VALIDATION
from lss_cli.errors import DataError, LssError
from lss_cli.evaluation.bootstrap import DEFAULT_RESAMPLES, Estimate, Resamples
from lss_cli.evaluation.metrics import METRICS, key_metrics, log_loss, score
from lss_cli.evaluation.predictions import PREDICTIONS, write_predictions
from lss_cli.evaluation.sample import Float64Array
from lss_cli.evaluation.sources import describe_start
from lss_cli.files import make_folder
from lss_cli.training.fit import OnProgress, Training, TrainingProgress
from lss_cli.training.imagenet import Tell
from lss_cli.training.options import AUTO, TrainingOptions
from lss_cli.training.search import (
    SharedSearch,
    open_search,
    open_storage,
    returned,
    unreachable,
)
from lss_cli.training.space import Space, combinations, space_json, suggest_options
from lss_cli.training.start import choose_start, describe_weights
from lss_cli.training.train import check_trainable, deal_by
from lss_cli.training.trials import FIGURES, HIGH, LOW, Trial, TuningResult, write_results

STUDY = "study.db"
# A folder for the predictions of each trial.
TRIALS = "trials"

# Trials that run to their end before their median can stop others.
UNPRUNED_TRIALS = 5


@dataclass(frozen=True)
class TuningRequest:
    """What is asked for.

    Attributes:
        base: What is not searched.
        space: What is.
        trials: How many there shall be in the end, complete or stopped. A space of lists with no
            more combinations is tried whole, each once and to its end.
        storage: URL of a database that several processes share; a file in the folder if empty.
        epochs: Of later trainings, where `base` has fewer for the search; ``None`` for the usual.
    """

    base: TrainingOptions
    space: Space
    trials: int
    storage: str = ""
    epochs: int | None = None


def tune(
    data: Prepared,
    out: Path,
    request: TuningRequest,
    show: Callable[[Sequence[Trial]], None],
    on_progress: OnProgress,
    tell: Tell = lambda _: None,
) -> TuningResult:
    """Search until there are so many trials; what the storage holds already counts.

    The study is kept after each epoch, so the search can be interrupted and continued at will, and
    several processes can work on it. A trial that is worse than the median of the others at the
    same epoch is stopped.

    Args:
        data: Prepared data that can be trained on.
        out: Folder for the results, and for the study unless that has a storage; made if missing.
        request: What is asked for.
        show: Called with all trials, the best first, after each.
        on_progress: As of a training.
        tell: Called with what else there is to say.

    Raises:
        DataError: The data cannot be trained on, every trial failed, or the storage does not
            answer.
        OutputError: `out` cannot be written to.
        UsageError: The storage is none, or holds a search of something else.
    """
    deals = deal_for(data, request)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    make_folder(out)
    storage = open_storage(request.storage or f"sqlite:///{out / STUDY}")
    with _reachable():
        search = _open(storage, data, out, request)
        while trial := search.ask(tell):
            try:
                with search.hold(trial):
                    _train(trial, search.study, deals, request, out, on_progress, tell)
            except UpdateFinishedTrialError:
                tell(f"Trial {trial.number + 1} was taken over by another process.")
                continue
            failed = [trial for trial in search.trials(TrialState.FAIL) if not returned(trial)]
            if len(failed) >= 2 * request.trials and not search.trials(TrialState.COMPLETE):
                raise _all_failed()
            show(write_results(search.study, out, request.base, request.epochs).trials)
        result = write_results(search.study, out, request.base, request.epochs)
    if not any(trial.value is not None for trial in result.trials):
        raise _all_failed()
    return result


def deal_for(data: Prepared, request: TuningRequest) -> dict[str, Prepared]:
    """The data as each strategy of a search deals them, all with the same validation rows.

    Raises:
        DataError: They cannot be dealt so, or not be trained on.
    """
    strategies = request.space.get("strategy", (request.base.strategy,))
    assert isinstance(strategies, tuple)
    deals = share_validation(
        {name: deal_by(data, replace(request.base, strategy=name)) for name in strategies}
    )
    for deal in deals.values():
        check_trainable(deal)
    return deals


def possible_strategies(data: Prepared) -> tuple[str, ...]:
    """Those that the data allow."""
    possible: tuple[str, ...] = ()
    for name in TrainingOptions.option_fields()["strategy"].metadata["search"]:
        try:
            deal_for(data, TuningRequest(TrainingOptions(), {"strategy": (*possible, name)}, 1))
        except LssError:
            continue
        possible = (*possible, name)
    return possible


def _all_failed() -> DataError:
    return DataError(
        "every trial failed; their losses were no numbers.",
        todo="Search smaller learning rates: --space.",
    )


@contextmanager
def _reachable() -> Iterator[None]:
    """Say in our words that the storage does not answer any more."""
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise unreachable(error) from error


def _open(
    storage: optuna.storages.BaseStorage, data: Prepared, out: Path, request: TuningRequest
) -> SharedSearch:
    base, space = request.base, request.space
    whole = combinations(space, request.trials)
    pruner = (
        optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS)
        if whole is None
        else optuna.pruners.NopPruner()
    )

    def sampler(count: int) -> optuna.samplers.BaseSampler:
        # With one seed throughout, a continued search would try again what it began with, and
        # processes that share one would all try the same.
        seed = secrets.randbits(32) if request.storage else base.seed + count
        return optuna.samplers.TPESampler(seed=seed, constant_liar=True)

    asked = base.to_json() | {"weights": base.start}
    about = [data.report["fingerprint"], asked, space_json(space)]
    trials = request.trials if whole is None else len(whole)
    where = "--storage" if request.storage else str(out)
    return open_search(storage, about, trials, whole, sampler, pruner, where)


def _train(
    trial: optuna.Trial,
    study: optuna.Study,
    deals: Mapping[str, Prepared],
    request: TuningRequest,
    out: Path,
    on_progress: OnProgress,
    tell: Tell,
) -> None:
    """Train as a trial wants it, and tell the study what came out."""
    keras.backend.clear_session()
    asked = replace(request.base, **suggest_options(request.space, trial))
    options = _start_alike(study, asked, tell)
    trial.set_user_attr("weights", options.weights)
    trial.set_user_attr("start", describe_start(describe_weights(options)))
    data = deals[options.strategy]
    rows = data.rows(VALIDATION)
    labels, studies = data.severities[rows], data.index["study_id"].iloc[rows]

    def observe(progress: TrainingProgress) -> None:
        on_progress(replace(progress, what=f"trial {trial.number + 1}, {progress.what}"))
        if progress.epoch:
            trial.report(score(log_loss, labels, answers()), progress.epoch.epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

    training = Training(data, options, observe, features=out / "features")

    def answers() -> Float64Array:
        assert training.best_answers is not None
        return np.asarray(training.best_answers, np.float64)

    state = TrialState.COMPLETE
    try:
        training.run()
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except DataError:
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        return
    loss = _estimate_loss(labels, answers(), studies)
    trial.set_user_attr(LOW, loss.low)
    trial.set_user_attr(HIGH, loss.high)
    figures = key_metrics(labels, answers())
    for column, metric in FIGURES.items():
        trial.set_user_attr(column, figures[metric])
    folder = make_folder(out / TRIALS / str(trial.number + 1))
    write_predictions(folder / PREDICTIONS, data.index.iloc[rows], answers())
    outcome = loss.value if state == TrialState.COMPLETE else None
    study.tell(trial, outcome, state=state, skip_if_finished=True)


def _start_alike(study: optuna.Study, options: TrainingOptions, tell: Tell) -> TrainingOptions:
    """All trials with a backbone start as the first one did, whenever a network is there."""
    key = f"weights of {options.backbone}"
    if options.weights == AUTO and key in study.user_attrs:
        return replace(options, weights=study.user_attrs[key])
    chosen = choose_start(options, tell)
    if options.weights == AUTO:
        study.set_user_attr(key, chosen.weights)
    return chosen


def _estimate_loss(labels: Any, probabilities: Float64Array, studies: Any) -> Estimate:
    """The log loss, with its interval over studies."""
    resamples = Resamples.draw(studies, DEFAULT_RESAMPLES, seed=0)
    metric, rows = METRICS["log_loss"], np.arange(len(labels))
    (draws,) = resamples.values((metric,), labels, probabilities, rows)
    return Estimate.of(score(log_loss, labels, probabilities), draws)
