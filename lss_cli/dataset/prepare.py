"""The whole way from a source to prepared data."""

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from lss_cli import __version__
from lss_cli.anatomy import DEFAULT_CONDITION, Condition, Level, row_id
from lss_cli.dataset import cache
from lss_cli.dataset.defaults import DEFAULT_SPEC, DEFAULT_SPLIT
from lss_cli.dataset.image_table import ImageTable
from lss_cli.dataset.joined import Reason, Unusable, mark, select, usable
from lss_cli.dataset.rsna import LABELS, RsnaFolder
from lss_cli.dataset.source import Place, Source
from lss_cli.dataset.split import PARTS, TRAIN, parse_proportions, split_studies
from lss_cli.dataset.tables import write_table
from lss_cli.errors import DataError, UsageError
from lss_cli.files import make_folder, replacing, write_text
from lss_cli.input_spec import InputSpec

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


@dataclass(frozen=True)
class Options:
    """What to prepare, and how.

    Attributes:
        conditions: What a model shall learn to grade.
        mirror: Whether the other sides are added, mirrored, to the training part.
        proportions: Training, validation and test, by studies.
        seed: Of the split.
        spec: How model inputs are made.
    """

    conditions: tuple[Condition, ...] = (DEFAULT_CONDITION,)
    mirror: bool = False
    proportions: tuple[float, float, float] = parse_proportions(DEFAULT_SPLIT)
    seed: int = 0
    spec: InputSpec = DEFAULT_SPEC

    @property
    def mirrored(self) -> tuple[Condition, ...]:
        """The conditions that are added, mirrored.

        Raises:
            UsageError: Mirroring is asked for, and would add nothing.
        """
        if not self.mirror:
            return ()
        added = tuple(
            one.mirrored for one in self.conditions if one.mirrored not in self.conditions
        )
        if not added:
            raise UsageError(
                "--mirror would add nothing.",
                todo="It adds the other side of a left or right condition; leave it out.",
            )
        return added


@dataclass(frozen=True)
class Summary:
    """What became of the rows of the source.

    Attributes:
        joined: Rows of the joined table, of the conditions asked for.
        used: Those in the master table.
        rejected: The others, by reason.
        other_conditions: Joined rows of conditions that were not asked for.
        parts: Studies and rows by severity, of each part.
    """

    joined: int
    used: int
    rejected: Mapping[str, int]
    other_conditions: int
    parts: Mapping[str, Mapping[str, int]]


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
    options: Options,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Turn a source into prepared data.

    Earlier prepared data in `out` are replaced. They count as complete only with their report,
    which is taken away first and written last.

    Args:
        path: An RSNA folder or an image table.
        out: Folder for the results; made if missing.
        options: What to prepare.
        progress: Called with the studies done and their number.

    Returns:
        The counts, for people.

    Raises:
        DataError: The source cannot be read, or not one row can be used.
        OutputError: `out` cannot be written to.
        UsageError: Options that do not go together.
    """
    source, wanted = open_source(path), (*options.conditions, *options.mirrored)
    everything = source.joined()
    table = select(everything, wanted).sort_values(
        ["study_id", "condition", "level", "file", "line"], ignore_index=True
    )
    table = _divided(_sided(table, options), options)
    out = make_folder(out)
    (out / cache.REPORT).unlink(missing_ok=True)
    requests, positions = _requests(table)
    with ExitStack() as files:
        images = files.enter_context(replacing(out / cache.IMAGES))
        coords = files.enter_context(replacing(out / cache.COORDS))
        failed = cache.write_inputs(
            (images, coords), source, requests, options.spec, progress or _silent
        )
        _mark_failed(table, positions, failed)
        with replacing(out / REJECTS) as rejects:
            write_table(_rejects(table), rejects)
        if not usable(table).any():
            raise _nothing_left(table, out)
    used = table[usable(table)]
    with replacing(out / MASTER) as master:
        write_table(used[MASTER_COLUMNS], master)
    with replacing(out / cache.INDEX) as index:
        write_table(_index(used, positions, source), index)
    summary = _summary(table, other_conditions=len(everything) - len(table))
    report = _report(source, out, options, summary)
    write_text(out / cache.REPORT, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return summary


def _silent(*_: int) -> None:
    pass


def _sided(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Rows of an added side take the condition that they stand in for."""
    renamed = {str(one): str(one.mirrored) for one in options.mirrored}
    return table.assign(
        source_condition=table["condition"],
        mirror=table["condition"].isin(list(renamed)),
        condition=table["condition"].replace(renamed),
    )


def _divided(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Assign the parts.

    The conditions asked for decide alone, so that the same studies are held out with and without
    `--mirror`; a study that has nothing but mirrored rows can only serve the training.
    """
    own = table[usable(table) & ~table["mirror"]]
    part = split_studies(own["study_id"], options.proportions, options.seed)
    table = table.assign(split=table["study_id"].map(part).fillna(TRAIN), fold="")
    held_out = table["mirror"] & (table["split"] != TRAIN)
    mark(table, held_out, Reason.MIRRORED_HELD_OUT, table["split"])
    return table


def _requests(table: pd.DataFrame) -> tuple[dict[str, list[cache.Request]], dict[int, int]]:
    """What to make of each study, and the position in the arrays of each row of the table."""
    good = table[usable(table)]
    requests: dict[str, list[cache.Request]] = {}
    for position, row in enumerate(good.to_dict("records")):
        place = Place(
            line=int(row["line"]),
            series_id=row["series_id"],
            instance_number=int(float(row["instance_number"])),
            x=float(row["x"]),
            y=float(row["y"]),
        )
        request = cache.Request(
            position, place, Condition(row["source_condition"]), bool(row["mirror"])
        )
        requests.setdefault(str(row["study_id"]), []).append(request)
    return requests, {int(row): position for position, row in enumerate(good.index)}


def _mark_failed(
    table: pd.DataFrame, positions: Mapping[int, int], failed: Mapping[int, Unusable]
) -> None:
    rows = {position: row for row, position in positions.items()}
    for position, verdict in failed.items():
        table.loc[rows[position], ["reason", "detail"]] = [str(verdict.reason), verdict.detail]


def _rejects(table: pd.DataFrame) -> pd.DataFrame:
    rejected = table[~usable(table)].assign(condition=table["source_condition"])
    return rejected[REJECT_COLUMNS].sort_values(["file", "line", "condition", "level"])


def _nothing_left(table: pd.DataFrame, out: Path) -> DataError:
    if table.empty:
        return DataError(
            "the source has no row of the conditions asked for.", todo="Name others: --condition."
        )
    reason, count = next(iter(_rejected(table).items()))
    return DataError(
        f"not one of {len(table)} rows can be used; {count} of them: {reason}.",
        where=str(out / REJECTS),
        todo="This file names each row with its reason.",
    )


def _index(used: pd.DataFrame, positions: Mapping[int, int], source: Source) -> pd.DataFrame:
    series = zip(used["series_id"], used["study_id"], strict=True)
    names = zip(used["study_id"], used["source_condition"], used["level"], strict=True)
    return used.assign(
        position=[positions[int(row)] for row in used.index],
        row_id=[row_id(study, Condition(one), Level(level)) for study, one, level in names],
        order=["known" if source.order_known(*one) else "unknown" for one in series],
    )[
        [
            "position",
            "row_id",
            "study_id",
            "condition",
            "source_condition",
            "level",
            "severity",
            "split",
            "order",
        ]
    ]


def _rejected(table: pd.DataFrame) -> dict[str, int]:
    counts = table.loc[~usable(table), "reason"].value_counts()
    return {str(reason): int(count) for reason, count in counts.items()}


def _summary(table: pd.DataFrame, other_conditions: int) -> Summary:
    used = table[usable(table)]
    parts = {
        part: {
            "studies": int(rows["study_id"].nunique()),
            "rows": len(rows),
            **{str(name): int(count) for name, count in rows["severity"].value_counts().items()},
        }
        for part in PARTS
        for rows in [used[used["split"] == part]]
    }
    return Summary(len(table), len(used), _rejected(table), other_conditions, parts)


def _report(source: Source, out: Path, options: Options, summary: Summary) -> dict[str, Any]:
    return {
        "format_version": 1,
        "source": {path.name: cache.fingerprint(path) for path in source.tables},
        "conditions": [str(one) for one in options.conditions],
        "mirrored": [str(one) for one in options.mirrored],
        "split": list(options.proportions),
        "seed": options.seed,
        "input": options.spec.to_json(),
        "counts": {
            "joined": summary.joined,
            "used": summary.used,
            "rejected": dict(summary.rejected),
            "other_conditions": summary.other_conditions,
            "parts": {part: dict(counts) for part, counts in summary.parts.items()},
        },
        "fingerprint": cache.fingerprint(
            *(out / name for name in (cache.IMAGES, cache.COORDS, cache.INDEX))
        ),
        "versions": versions(["numpy", "pandas", "pillow", "pydicom"]),
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of the program, of Python and of `packages`."""
    own = {"lss-cli": __version__, "python": platform.python_version()}
    return own | {name: version(name) for name in packages}
