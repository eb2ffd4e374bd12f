"""An evaluation as ``metrics.json`` and ``metrics.csv``."""

import json
from dataclasses import asdict, astuple

from lss_cli import __version__, tables
from lss_cli.anatomy import Severity
from lss_cli.evaluation.baselines import DEFINITIONS
from lss_cli.evaluation.evaluation import Evaluation
from lss_cli.evaluation.rules import SHOWN_METRICS

COLUMNS = ["predictor", "by", "of", "rows", "metric", "value", "low", "high"]


def to_json(evaluation: Evaluation) -> str:
    """Everything, with definitions; ``null`` where a metric is undefined."""
    document = {
        "program": f"lss {__version__}",
        "name": evaluation.part.name,
        "split": evaluation.settings.split,
        "rows": len(evaluation.part.labels),
        "studies": evaluation.part.studies,
        "intervals": {
            "level": 0.95,
            "unit": "study",
            "resamples": len(evaluation.resamples.counts),
            "seed": evaluation.settings.seed,
        },
        "grade_weights": list(evaluation.part.rule.weights),
        "baselines_fitted_on": evaluation.baselines.fitted_on,
        "confusion": {
            "classes": list(map(str, Severity)),
            "rows_true_columns_grade": evaluation.confusion,
        },
        "figures": {
            predictor: {
                scope: {
                    "by": evaluation.scopes[scope].group,
                    "rows": evaluation.rows(scope),
                    **{key: asdict(value) for key, value in estimates.items()},
                }
                for scope, estimates in by_scope.items()
            }
            for predictor, by_scope in evaluation.estimates.items()
        },
        "by_rule": {
            scope: {key: asdict(by_rule) for key, by_rule in figures.items()}
            for scope, figures in evaluation.by_rule.items()
        },
        "definitions": {
            metric.key: metric.definition for metric in (*evaluation.metrics, *SHOWN_METRICS)
        }
        | DEFINITIONS,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_csv(evaluation: Evaluation) -> str:
    """One row per predictor, scope (a side, level, severity, distance, or all) and metric."""
    rows = (
        (
            predictor,
            evaluation.scopes[scope].group,
            scope,
            evaluation.rows(scope),
            key,
            *astuple(estimate),
        )
        for predictor, by_scope in evaluation.estimates.items()
        for scope, estimates in by_scope.items()
        for key, estimate in estimates.items()
    )
    return tables.to_csv(COLUMNS, rows)
