"""What tuning may try: derived from the options, or read from a TOML file."""

import itertools
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lss_cli.errors import UsageError
from lss_cli.options import Range, Search, read_toml
from lss_cli.text import printable_value
from lss_cli.training.options import TrainingOptions

if TYPE_CHECKING:
    import optuna

Space = Mapping[str, Search]


def default_space(
    base: TrainingOptions, fixed: Collection[str] = (), strategies: tuple[str, ...] | None = None
) -> Space:
    """Every option that has something to search, and matters to this backbone.

    Args:
        base: What is not searched.
        fixed: Options that somebody chose, and that are therefore not searched.
        strategies: Those that the data allow; all if not given.
    """
    space = {
        name: field.metadata["search"]
        for name, field in TrainingOptions.option_fields().items()
        if field.metadata["search"]
        and name not in fixed
        and (base.backbone == "custom" or not field.metadata["custom_only"])
    }
    if base.freeze:
        space.pop("cutmix", None)
    if strategies is not None and "strategy" in space:
        space["strategy"] = strategies
    return {name: search for name, search in space.items() if search}


def combinations(space: Space, most: int) -> list[dict[str, Any]] | None:
    """All that a space of lists holds, each as `suggest_options` would choose it.

    Args:
        space: What may be tried.
        most: How many there may be.

    Returns:
        ``None`` where there are more, or endlessly many.

    Examples:
        >>> combinations({"dense": ((4,), (8, 4)), "blocks": (2,)}, 2)
        [{'dense': '4', 'blocks': 2}, {'dense': '8,4', 'blocks': 2}]
        >>> combinations({"dropout": Range(0, 0.5)}, 100)
    """
    lists = [search for search in space.values() if not isinstance(search, Range)]
    if len(lists) < len(space) or math.prod(map(len, lists)) > most:
        return None
    choices = [[_plain(choice) for choice in search] for search in lists]
    return [dict(zip(space, chosen, strict=True)) for chosen in itertools.product(*choices)]


def read_space(path: Path) -> Space:
    """Read a file of lists of values, ``activation = ["relu", "tanh"]``, and of ranges.

    A range is ``learning_rate = {low = 1e-4, high = 1e-2, log = true}``.

    Raises:
        UsageError: A key that does not exist, a value that the option cannot take, an empty list,
            or a range that is none.
    """
    space = {
        TrainingOptions.check_key(name, str(path)): _search(name, value, path)
        for name, value in read_toml(path).items()
    }
    if not space:
        raise UsageError("the space is empty.", where=str(path))
    return space


def suggest_options(space: Space, trial: "optuna.Trial") -> dict[str, Any]:
    """Let a trial choose; nodes come as text, since a study stores plain values only."""
    return {name: _suggest(name, search, trial) for name, search in space.items()}


def space_json(space: Space) -> dict[str, Any]:
    """Plain values for a JSON document."""
    return {
        name: asdict(search) if isinstance(search, Range) else [_plain(choice) for choice in search]
        for name, search in space.items()
    }


def _search(name: str, value: Any, path: Path) -> Search:
    if isinstance(value, list) and value:
        # Each counts once.
        return tuple(dict.fromkeys(TrainingOptions.check_value(name, choice) for choice in value))
    if isinstance(value, dict) and TrainingOptions.type_of(name) in (int, float):
        try:
            search = Range(**value)
            for end in (search.low, search.high):
                TrainingOptions.check_value(name, end)
            if search.low < search.high and (search.low > 0 or not search.log):
                return search
        except TypeError:
            pass
    raise UsageError(
        f"{name} = {printable_value(value)} is nothing to search.",
        where=str(path),
        todo="Give a list of values, or for a number {low = …, high = …, log = true}.",
    )


def _suggest(name: str, search: Search, trial: "optuna.Trial") -> Any:
    if not isinstance(search, Range):
        return trial.suggest_categorical(name, [_plain(choice) for choice in search])
    if TrainingOptions.type_of(name) is int:
        return trial.suggest_int(name, int(search.low), int(search.high), log=search.log)
    return trial.suggest_float(name, search.low, search.high, log=search.log)


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, tuple) else value
