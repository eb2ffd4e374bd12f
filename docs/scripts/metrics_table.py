"""Writes the table of metrics into docs/evaluate.md, from their definitions.

    python docs/scripts/metrics_table.py [--check]

With --check it writes nothing, and fails where the table is not what it would write.
"""

import sys
from pathlib import Path

from lss_cli.evaluation.metrics import METRICS
from lss_cli.evaluation.presentation.table import arrow

PAGE = Path(__file__).parents[1] / "evaluate.md"
BEGIN, END = "<!-- metrics: made by docs/scripts/metrics_table.py -->\n", "<!-- /metrics -->\n"


def table() -> str:
    """All metrics as a Markdown table."""
    rows = [("figure", "", "definition"), ("---",) * 3]
    rows += [(metric.name, arrow(metric), metric.definition) for metric in METRICS.values()]
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)


def main() -> None:
    """Write or check."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    made = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, encoding="utf-8")
    elif made != text:
        sys.exit(f"{PAGE.name} is stale; make it anew: python docs/scripts/metrics_table.py")


if __name__ == "__main__":
    main()
