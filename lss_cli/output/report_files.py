"""A report over many studies as CSV, JSON lines, Parquet and an overview page."""

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from lss_cli.files import replacing
from lss_cli.output.html import report_to_html
from lss_cli.output.overview import study_lines
from lss_cli.output.rows import COLUMNS, LISTS, cells
from lss_cli.tables import write_rows

# Gives the rows anew each time, since they do not have to fit into memory.
Rows = Callable[[], Iterable[Mapping[str, Any]]]

PARQUET_ROWS = 50_000


def write_report(
    rows: Rows, files: Mapping[str, Path], summary: Mapping[str, Any], pages: Mapping[str, str]
) -> None:
    """Write each file whole or not at all.

    Args:
        rows: All rows, in order.
        files: Where to write ``csv``, ``jsonl``, ``parquet`` and ``html``, those that are wanted.
        summary: What the overview page shows.
        pages: Addresses of the studies' own pages, by study.

    Raises:
        OutputError: A file cannot be written.
    """
    for kind, path in files.items():
        with replacing(path) as temporary:
            if kind == "csv":
                _write_csv(rows(), temporary)
            elif kind == "jsonl":
                _write_jsonl(rows(), temporary)
            elif kind == "parquet":
                _write_parquet(rows(), temporary)
            else:
                page = report_to_html(study_lines(rows()), rows(), summary, pages)
                temporary.write_text(page, encoding="utf-8")


def _write_csv(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, COLUMNS, (cells(row) for row in rows))


def _write_jsonl(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write_parquet(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = {"x", "y", "normal_mild", "moderate", "severe"}
    types = {name: pa.float64() if name in numbers else pa.string() for name in COLUMNS}
    lists = dict.fromkeys(LISTS, pa.list_(pa.string()))
    schema = pa.schema(list((types | {"instance_number": pa.int64()} | lists).items()))
    remaining = iter(rows)
    # As an open file: pyarrow takes no name that is not UTF-8.
    with path.open("wb") as file, pq.ParquetWriter(file, schema) as writer:
        while part := list(islice(remaining, PARQUET_ROWS)):
            writer.write_table(pa.Table.from_pylist([dict(row) for row in part], schema))
