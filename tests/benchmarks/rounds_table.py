"""A short table of `lss compare --csv`: one row per network, for docs/results.md.

lss compare runs/base runs/tanh --split validation --csv rounds.csv
python tests/benchmarks/rounds_table.py rounds.csv
"""

import sys

import pandas as pd

FIGURES = {
    "log_loss": "log loss ↓",
    "accuracy": "accuracy ↑",
    "auc_at_least_moderate": "AUC ≥ Moderate ↑",
    "auc_severe": "AUC Severe ↑",
    "quadratic_kappa": "quadratic κ ↑",
}


def cell(row: pd.Series, run: str) -> str:
    """The value and its interval; ▸ the best, * surely worse than the best."""
    text = f"{row[run]:.3f} [{row[f'{run} low']:.3f}, {row[f'{run} high']:.3f}]"
    if row["best"] == run:
        return f"▸ {text}"
    low, high = row[f"{run} difference low"], row[f"{run} difference high"]
    return text + (" *" if low > 0 or high < 0 else "")


def main() -> None:
    table = pd.read_csv(sys.argv[1]).set_index("figure")
    runs = [name for name in table if f"{name} difference" in table]
    print("|".join(["", " network ", *(f" {figure} " for figure in FIGURES.values()), ""]))
    print("|" + " --- |" * (len(FIGURES) + 1))
    for run in runs:
        cells = [f" {cell(table.loc[figure], run)} " for figure in FIGURES]
        print("|".join(["", f" {run} ", *cells, ""]))


if __name__ == "__main__":
    main()
