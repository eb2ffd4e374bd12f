"""Predictions as another program might write them."""

import csv
from pathlib import Path

import numpy as np

from lss_cli.anatomy import Level, Severity

COLUMNS = ["study_id", "level", "split", "severity", "normal_mild", "moderate", "severe"]


def rows(studies: int = 24, seed: int = 0, train: int = 6) -> list[dict]:
    """Five levels each; the first `train` studies are the training part, the rest the test part."""
    random = np.random.default_rng(seed)
    truth = np.random.default_rng(1)
    made = []
    for study in range(studies):
        for level in Level:
            severity = list(Severity)[truth.choice(3, p=[0.5, 0.3, 0.2])]
            alpha = np.ones(3)
            alpha[severity.ordinal] += 1.5
            # Four decimals, some of them equal; they need not sum to exactly 1.
            prob = random.dirichlet(alpha).round(random.choice([1, 2, 4]))
            made.append(
                {
                    "study_id": f"s{study:03}",
                    "level": level.value,
                    "split": "train" if study < train else "test",
                    "severity": severity.value,
                    **dict(zip(COLUMNS[4:], prob, strict=True)),
                }
            )
    return [row for row in made if abs(sum(row[name] for name in COLUMNS[4:]) - 1) < 0.01]


def write(path: Path, table: list[dict], columns: list[str] | None = None) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns or COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(table)
    return path


def tables_of_networks(seeds=(0, 5)):
    """Two networks on the same rows."""
    made = [rows(seed=seed) for seed in seeds]
    shared = set.intersection(*({(r["study_id"], r["level"]) for r in table} for table in made))
    return [
        (seed, [r for r in table if (r["study_id"], r["level"]) in shared])
        for seed, table in zip(seeds, made, strict=True)
    ]
