"""A result as JSON: the rows of the CSV, with warnings, and what graded them."""

import json

from lss_cli import __version__
from lss_cli.grading.result import DISCLAIMER, StudyGrade
from lss_cli.output.rows import rows


def to_json(result: StudyGrade) -> str:
    """One study's result as a JSON document."""
    models = [
        {
            "name": card.name,
            "sha256": card.sha256,
            "licence": card.licence,
            "created": card.created,
            "grade_weights": list(card.rule.weights),
            "conditions": [str(condition) for condition in card.conditions],
        }
        for card in result.graders
    ]
    document = {
        "program": f"lss {__version__}",
        "study_id": result.study_id,
        "levels": rows(result),
        "notes": [*result.notes, *result.cautions],
        "remark": result.remark,
        "model": {key: value for key, value in models[0].items() if key != "conditions"},
        "models": models,
        "disclaimer": DISCLAIMER,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
