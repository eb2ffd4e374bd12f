"""The whole way from a source to prepared data."""

import json
import shutil
from pathlib import Path

import pandas as pd

from lss_cli.anatomy import Condition, Level, row_id
from lss_cli.dataset import prepared
from lss_cli.dataset.dataframes import write_table
from lss_cli.dataset.divide import divide_studies
from lss_cli.dataset.exploration.counts import explore
from lss_cli.dataset.exploration.page import remove_figures, write_figures
from lss_cli.dataset.exploration.summary import (
    PrepareSummary,
    count_rejected,
    run_report,
    summarize,
)
from lss_cli.dataset.inputs import InputRequest, Progress, make_inputs
from lss_cli.dataset.options import PrepareOptions
from lss_cli.dataset.prepared import FIGURES, MASTER, REJECTS
from lss_cli.dataset.sources.base import PointRef, Source
from lss_cli.dataset.sources.image_table import ImageTable
from lss_cli.dataset.sources.master_table import (
    POINT_COLUMNS,
    select,
    slice_distances,
    usable,
)
from lss_cli.dataset.sources.rsna import LABELS, RsnaFolder
from lss_cli.errors import DataError, UsageError
from lss_cli.files import check_outputs, make_folder, write_text
from lss_cli.versions import versions

__all__ = ["MASTER", "MASTER_COLUMNS", "REJECTS", "PrepareOptions", "PrepareSummary", "prepare"]

MASTER_COLUMNS = [*POINT_COLUMNS, "series_description", "severity"]
MASTER_COLUMNS += ["source_condition", "split", "fold", "annotated_instance", "points"]
REJECT_COLUMNS = ["file", "line", *POINT_COLUMNS, "severity", "reason", "detail"]
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
    "distance",
]


def open_source(path: Path, canal_labels: Path | None = None) -> Source:
    """The RSNA folder or image table at `path`.

    Args:
        path: The folder or table.
        canal_labels: A table with the canal's labels, where its points are to be derived.

    Raises:
        DataError: It is neither.
    """
    if path.is_dir():
        if (path / LABELS).is_file():
            return RsnaFolder(path, canal_labels)
        raise DataError(
            f"this folder holds no {LABELS}.",
            where=str(path),
            todo="Name a folder in the RSNA layout, or an image table (.csv).",
        )
    return ImageTable(path, canal_labels)


def prepare(
    path: Path,
    out: Path,
    options: PrepareOptions,
    progress: Progress = lambda *_: None,
    *,
    workers: int = 1,
    figures: bool = False,
    canal_labels: Path | None = None,
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
        canal_labels: A table like RSNA's ``train.csv``: the canal's labels are its, and the canal's
            points are derived from both sides', in axial slices.

    Returns:
        The counts, for people.

    Raises:
        DataError: The source cannot be read, or not one row can be used.
        OutputError: `out` cannot be written to.
        UsageError: More folds than studies, or labels of the canal where it is not asked for.
    """
    if canal_labels and Condition.SPINAL_CANAL not in options.conditions:
        raise UsageError(
            "--canal-labels would change nothing.",
            todo=f"Ask for the canal: --condition {Condition.SPINAL_CANAL}",
        )
    source = open_source(path, canal_labels)
    outputs = [*prepared.files_of(out), *(out / FIGURES).glob("*")]
    check_outputs({str(path): path for path in outputs}, source.files)
    everything = source.master_table()
    table = divide_studies(_choose_rows(everything, options), options)
    out = make_folder(out)
    _begin_anew(out)
    index = None
    if not options.tables_only and usable(table).any():
        index = _make_inputs(table, out, source, options, workers, progress)
    _write_tables(table, index, out)
    data = None if index is None else prepared.Prepared.read(out, options.spec)
    exploration = explore(everything, table, source.series(), data)
    if figures:
        write_figures(exploration, data, out)
    else:
        remove_figures(out)
    summary = summarize(table, len(everything) - len(table), exploration)
    text = json.dumps(run_report(source, out, options, summary), indent=2, ensure_ascii=False)
    write_text(out / prepared.REPORT, text + "\n")
    return summary


def _choose_rows(everything: pd.DataFrame, options: PrepareOptions) -> pd.DataFrame:
    """The rows of the conditions asked for, in an order that does not depend on the source's.

    Rows of an added side take the condition that they stand in for.
    """
    table = select(everything, (*options.conditions, *options.mirrored)).sort_values(
        ["study_id", "condition", "level", "file", "line"], ignore_index=True
    )
    renamed = {str(side): str(side.mirrored) for side in options.mirrored}
    return table.assign(
        source_condition=table["condition"],
        mirror=table["condition"].isin(list(renamed)),
        condition=table["condition"].replace(renamed),
    )


def _begin_anew(out: Path) -> None:
    """Data that were complete are so no more; model inputs are kept, whatever else remained not."""
    (out / prepared.REPORT).unlink(missing_ok=True)
    (out / prepared.INDEX).unlink(missing_ok=True)
    for path in (*out.glob(".lss-*"), *(out / prepared.INPUTS).glob(".lss-*")):
        # Versions before 0.2 kept unfinished model inputs in such a folder.
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _write_tables(table: pd.DataFrame, index: pd.DataFrame | None, out: Path) -> None:
    """Write the rejects, the master table, and the index of the model inputs if there are any.

    Raises:
        DataError: Every row is rejected.
    """
    rows = table[~usable(table)]
    rows = rows.assign(condition=rows["source_condition"])
    rejects = rows[REJECT_COLUMNS].sort_values(["file", "line", "condition", "level"])
    write_table(rejects, out / REJECTS)
    used = table[usable(table)]
    if used.empty:
        raise _nothing_left(table, out)
    write_table(used[MASTER_COLUMNS], out / MASTER)
    if index is not None:
        write_table(index, out / prepared.INDEX)


def _make_inputs(
    table: pd.DataFrame,
    out: Path,
    source: Source,
    options: PrepareOptions,
    workers: int,
    progress: Progress,
) -> pd.DataFrame:
    """Make the model inputs, reject the rows of `table` without one, and index the others."""
    good = table[usable(table)]
    made = make_inputs(
        out / prepared.INPUTS,
        source,
        _requests(good),
        options.spec,
        versions=versions(["numpy", "pillow", "pydicom"]),
        workers=workers,
        progress=progress,
    )
    results = pd.DataFrame(made, index=good.index)
    table.loc[good.index, ["reason", "detail"]] = results[["reason", "detail"]]
    names = zip(good["study_id"], good["source_condition"], good["level"], strict=True)
    series = zip(good["series_id"], good["study_id"], strict=True)
    index = good.assign(
        position=range(len(good)),
        row_id=[row_id(study, Condition(name), Level(level)) for study, name, level in names],
        order=["known" if source.order_known(*key) else "unknown" for key in series],
        slice_width_mm=results["width_mm"].map("{:g}".format),
        slice_height_mm=results["height_mm"].map("{:g}".format),
        distance=slice_distances(good),
    )
    return index.loc[usable(results), INDEX_COLUMNS]


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
