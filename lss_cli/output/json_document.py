"""A result as JSON: the rows of the CSV, with warnings, and what graded them."""

import json

from lss_cli import __version__
from lss_cli.grading.result import DISCLAIMER, StudyGrade
from lss_cli.output.rows import rows


def to_json(result: StudyGrade) -> str:
    """One study's result as a JSON document."""
    model = result.model
    document = {
        "program": f"lss {__version__}",
        "study_id": result.study_id,
        "levels": rows(result),
        "notes": [*result.notes, *result.cautions],
        "remark": result.remark,
        "model": {
            "name": model.name,
            "sha256": model.sha256,
            "licence": model.licence,
            "created": model.created,
            "grade_weights": list(model.rule.weights),
        },
        "disclaimer": DISCLAIMER,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
