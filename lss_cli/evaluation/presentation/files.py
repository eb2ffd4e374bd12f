"""An evaluation as ``metrics.json`` and ``metrics.csv``."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from lss_cli import __version__
from lss_cli.anatomy import Severity
from lss_cli.evaluation.baselines import DEFINITIONS
from lss_cli.evaluation.evaluation import Evaluation

COLUMNS = ["predictor", "level", "rows", "metric", "value", "low", "high"]


def to_json(found: Evaluation) -> str:
    """Everything, with definitions; ``null`` where a figure is undefined."""
    document = {
        "program": f"lss {__version__}",
        "name": found.part.name,
        "split": found.settings.split,
        "rows": len(found.part.labels),
        "studies": found.part.studies,
        "intervals": {
            "level": 0.95,
            "unit": "study",
            "resamples": len(found.resamples.counts),
            "seed": found.settings.seed,
        },
        "baselines_fitted_on": "training part"
        if found.baselines.fitted_on_training
        else "evaluated rows",
        "confusion": {
            "classes": [str(one) for one in Severity],
            "rows_true_columns_most_likely": found.confusion,
        },
        "figures": {
            predictor: {
                level: {
                    "rows": found.rows(level),
                    **{key: asdict(value) for key, value in estimates.items()},
                }
                for level, estimates in by_level.items()
            }
            for predictor, by_level in found.estimates.items()
        },
        "definitions": {one.key: one.definition for one in found.metrics} | DEFINITIONS,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_csv(found: Evaluation) -> str:
    """One row per predictor, level and figure."""
    table = pd.DataFrame(list(_rows(found)), columns=COLUMNS)
    return str(table.to_csv(index=False, lineterminator="\n"))


def _rows(found: Evaluation) -> Iterator[tuple[Any, ...]]:
    for predictor, by_level in found.estimates.items():
        for level, estimates in by_level.items():
            for key, one in estimates.items():
                yield predictor, level, found.rows(level), key, one.value, one.low, one.high
