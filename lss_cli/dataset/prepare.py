"""The whole way from a source to prepared data."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from lss_cli.anatomy import Condition, Level, row_id
from lss_cli.dataset import prepared
from lss_cli.dataset.build import build_inputs
from lss_cli.dataset.divide import divide_studies
from lss_cli.dataset.exploration.counts import explore
from lss_cli.dataset.exploration.page import remove_figures, write_figures
from lss_cli.dataset.exploration.summary import (
    PrepareSummary,
    count_rejected,
    run_report,
    summarize,
)
from lss_cli.dataset.inputs import InputRequest
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.sources.base import PointRef, Source
from lss_cli.dataset.sources.image_table import ImageTable
from lss_cli.dataset.sources.master_table import select, usable
from lss_cli.dataset.sources.rsna import LABELS, RsnaFolder
from lss_cli.dataset.store import Result
from lss_cli.errors import DataError
from lss_cli.files import make_folder, replacing, write_text
from lss_cli.tables import write_table
from lss_cli.versions import versions

__all__ = ["MASTER", "MASTER_COLUMNS", "REJECTS", "PrepareOptions", "PrepareSummary", "prepare"]

MASTER, REJECTS = "Master_data.csv", "rejects.csv"
MASTER_COLUMNS = [
    "study_id",
    "series_id",
    "instance_number",
    "condition",
    "level",
    "x",
    "y",
    "series_description",
    "severity",
    "source_condition",
    "split",
    "fold",
]
REJECT_COLUMNS = [
    "file",
    "line",
    "study_id",
    "series_id",
    "instance_number",
    "condition",
    "level",
    "x",
    "y",
    "severity",
    "reason",
    "detail",
]
INDEX_COLUMNS = [
    "position",
    "row_id",
    "study_id",
    "condition",
    "source_condition",
    "level",
    "severity",
    "split",
    "fold",
    "order",
    "slice_width_mm",
    "slice_height_mm",
]


def open_source(path: Path) -> Source:
    """The RSNA folder or image table at `path`.

    Raises:
        DataError: It is neither.
    """
    if path.is_dir():
        if (path / LABELS).is_file():
            return RsnaFolder(path)
        raise DataError(
            f"this folder holds no {LABELS}.",
            where=str(path),
            todo="Name a folder in the RSNA layout, or an image table (.csv).",
        )
    return ImageTable(path)


def prepare(
    path: Path,
    out: Path,
    options: PrepareOptions,
    progress: Callable[[int, int], None] | None = None,
    *,
    workers: int = 1,
    figures: bool = False,
) -> PrepareSummary:
    """Turn a source into prepared data.

    Earlier prepared data in `out` are replaced. They count as complete only with their report,
    which is taken away first and written last. Model inputs that an earlier run made, finished or
    not, are used again as far as nothing has changed.

    Args:
        path: An RSNA folder or an image table.
        out: Folder for the results; made if missing.
        options: What to prepare.
        progress: Called with the studies done and their number.
        workers: Processes that make model inputs.
        figures: Whether to draw what is in the data, which needs matplotlib.

    Returns:
        The counts, for people.

    Raises:
        DataError: The source cannot be read, or not one row can be used.
        OutputError: `out` cannot be written to.
        UsageError: More folds than studies.
    """
    source = open_source(path)
    everything = source.master_table()
    table = select(everything, (*options.conditions, *options.mirrored)).sort_values(
        ["study_id", "condition", "level", "file", "line"], ignore_index=True
    )
    table = divide_studies(_sided(table, options), options)
    out = make_folder(out)
    (out / prepared.REPORT).unlink(missing_ok=True)
    _tidy(out)
    index = None
    if not options.tables_only and usable(table).any():
        index = _make_inputs(table, out, source, options, workers, progress or _silent)
    with replacing(out / REJECTS) as rejects:
        write_table(_rejects(table), rejects)
    used = table[usable(table)]
    if used.empty:
        raise _nothing_left(table, out)
    with replacing(out / MASTER) as master:
        write_table(used[MASTER_COLUMNS], master)
    data = None
    if index is None:
        (out / prepared.INDEX).unlink(missing_ok=True)
    else:
        with replacing(out / prepared.INDEX) as file:
            write_table(index, file)
        data = prepared.Prepared.read(out, options.spec)
    exploration = explore(everything, table, source.series(), data)
    if figures:
        write_figures(exploration, data, out)
    else:
        remove_figures(out)
    counts = summarize(table, len(everything) - len(table), exploration)
    text = json.dumps(run_report(source, out, options, counts), indent=2, ensure_ascii=False)
    write_text(out / prepared.REPORT, text + "\n")
    return counts


def _silent(*_: int) -> None:
    pass


def _tidy(out: Path) -> None:
    """Take away the temporary files of a run that was killed; its model inputs are kept."""
    for path in out.glob(".lss-*"):
        if path.is_file():
            path.unlink()


def _sided(table: pd.DataFrame, options: PrepareOptions) -> pd.DataFrame:
    """Rows of an added side take the condition that they stand in for."""
    renamed = {str(side): str(side.mirrored) for side in options.mirrored}
    return table.assign(
        source_condition=table["condition"],
        mirror=table["condition"].isin(list(renamed)),
        condition=table["condition"].replace(renamed),
    )


def _make_inputs(
    table: pd.DataFrame,
    out: Path,
    source: Source,
    options: PrepareOptions,
    workers: int,
    progress: Callable[[int, int], None],
) -> pd.DataFrame:
    """Make the model inputs, mark the rows of `table` without one, and index the others."""
    good = table[usable(table)]
    results = build_inputs(
        out,
        source,
        _requests(good),
        options.spec,
        versions=versions(["numpy", "pillow", "pydicom"]),
        workers=workers,
        progress=progress,
    )
    failed = [result for result in results if result.values is None]
    rows = good.index[[result.position for result in failed]]
    table.loc[rows, "reason"] = [result.reason for result in failed]
    table.loc[rows, "detail"] = [result.detail for result in failed]
    return _index(good, results, source)


def _requests(good: pd.DataFrame) -> dict[str, list[InputRequest]]:
    """What to make of each study, in the order of the rows."""
    requests: dict[str, list[InputRequest]] = {}
    for row in good.to_dict("records"):
        point = PointRef(
            line=int(row["line"]),
            series_id=row["series_id"],
            instance_number=int(float(row["instance_number"])),
            x=float(row["x"]),
            y=float(row["y"]),
        )
        condition = Condition(row["source_condition"])
        name = row_id(row["study_id"], condition, Level(row["level"]))
        request = InputRequest(name, point, condition, bool(row["mirror"]))
        requests.setdefault(str(row["study_id"]), []).append(request)
    return requests


def _index(good: pd.DataFrame, results: Sequence[Result], source: Source) -> pd.DataFrame:
    names = zip(good["study_id"], good["source_condition"], good["level"], strict=True)
    series = zip(good["series_id"], good["study_id"], strict=True)
    sizes = [result.values[2:] if result.values else (0.0, 0.0) for result in results]
    index = good.assign(
        position=[result.position for result in results],
        row_id=[row_id(study, Condition(name), Level(level)) for study, name, level in names],
        order=["known" if source.order_known(*key) else "unknown" for key in series],
        slice_width_mm=[f"{width:g}" for width, _ in sizes],
        slice_height_mm=[f"{height:g}" for _, height in sizes],
    )
    return index.loc[[result.values is not None for result in results], INDEX_COLUMNS]


def _rejects(table: pd.DataFrame) -> pd.DataFrame:
    rows = table[~usable(table)].assign(condition=table["source_condition"])
    return rows[REJECT_COLUMNS].sort_values(["file", "line", "condition", "level"])


def _nothing_left(table: pd.DataFrame, out: Path) -> DataError:
    if table.empty:
        return DataError(
            "the source has no row of the conditions asked for.", todo="Name others: --condition."
        )
    reason, count = next(iter(count_rejected(table).items()))
    return DataError(
        f"not one of {len(table)} rows can be used; {count} of them: {reason}.",
        where=str(out / REJECTS),
        todo="This file names each row with its reason.",
    )
