"""Which study folders and archives a report is about."""

import codecs
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from lss_cli.errors import StudyError
from lss_cli.files import is_file, is_folder, own_name
from lss_cli.study.archive import is_archive, study_name
from lss_cli.study.headers import ImageFile, read_file, scan_folder
from lss_cli.text import encodable


def study_folders(paths: Sequence[Path], names: set[str], pages: Path | None = None) -> list[Path]:
    """The study folders that are meant, and zip files of studies.

    Args:
        paths: One folder of study folders, or one study folder whose name the table knows; one
            text file with a folder per line (relative to it); or several study folders. Where
            the table names no study, one folder is the study.
        names: Names of studies in the table; none where there is no table, so that the files say
            which folders are studies.
        pages: Folder of the studies' own pages, which may lie among them after an earlier run.

    Raises:
        StudyError: There is none.
    """
    if len(paths) > 1 or is_archive(paths[0]):
        folders = list(paths)
    elif paths[0].is_file():
        folders = _read_list(paths[0])
    else:
        folders = _look_into(paths[0], names, pages)
    if not folders:
        raise StudyError(
            "no study folder was found.",
            where=str(paths[0]),
            todo="Name a folder of study folders, a text file that lists them, or several.",
        )
    return folders


def _look_into(folder: Path, names: set[str], pages: Path | None) -> list[Path]:
    entries = sorted(folder.glob("*"))
    inner = [path for path in entries if path.is_dir() and not (pages and _is_same(path, pages))]
    # An archive that was unpacked beside itself is there twice.
    unpacked = {own_name(path) for path in inner}
    inner += [path for path in entries if is_archive(path) and study_name(path) not in unpacked]
    inner.sort()
    if names == {""} and entries:
        return [folder]
    if own_name(folder) in names and not any(study_name(path) in names for path in inner):
        return [folder]
    if not inner and entries:
        return [folder]
    if not names:
        return _find_apart(folder, inner)
    missing = names - {study_name(path) for path in inner}
    return [
        nested
        for path in inner
        for nested in (
            _find_nested(path, missing) if missing and study_name(path) not in names else [path]
        )
    ]


def _find_apart(folder: Path, inner: Sequence[Path]) -> list[Path]:
    """The studies in a folder of which no table tells, by the StudyInstanceUIDs in their files.

    Args:
        folder: Of the studies; or of one study, whose series lie apart.
        inner: The folders and archives in it.
    """
    uids = [_first_uid(path) for path in inner if path.is_dir()]
    if len(uids) == len(inner) > 1 and all(uids) and len(set(uids)) == 1:
        return [folder]
    return [nested for path in inner for nested in _split(path)]


def _split(folder: Path) -> list[Path]:
    """The folders in it that are of several studies; else this one, as it is."""
    if not folder.is_dir():
        return [folder]
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    uids = {uid for path in inner if (uid := _first_uid(path))}
    if len(uids) < 2 or any(
        isinstance(read_file(path), ImageFile) for path in folder.iterdir() if is_file(path)
    ):
        return [folder]
    return [nested for path in inner for nested in _split(path)]


def _first_uid(folder: Path) -> str:
    """The study that the first image in a folder is of; empty where there is none."""
    files = (file for file in scan_folder(folder) if isinstance(file, ImageFile))
    return next((file.study_uid for file in files), "")


def _find_nested(folder: Path, names: set[str]) -> list[Path]:
    """The studies that the table names in a folder that it does not name; else that folder.

    What has a study's name may as well be a series of another study. So a folder counts only where
    no image beside it is of the same study.
    """
    known = []
    for parent, folders, _ in os.walk(folder):
        known += [Path(parent, name) for name in folders if encodable(name) in names]
        folders[:] = [name for name in folders if encodable(name) not in names]
    if not known:
        return [folder]
    studies: dict[str, set[Path]] = defaultdict(set)
    for file in scan_folder(folder):
        if isinstance(file, ImageFile):
            place = next((path for path in known if file.path.is_relative_to(path)), folder)
            studies[file.study_uid].add(place)
    alone = {place for places in studies.values() if len(places) == 1 for place in places}
    shared = {place for places in studies.values() if len(places) > 1 for place in places}
    nested = {path for path in known if path in alone - shared}
    # Those beside them are studies as well, which the table does not know.
    beside = {path for other in nested for path in other.parent.iterdir() if path.is_dir()}
    beside = {path for path in beside if not any(other.is_relative_to(path) for other in nested)}
    return sorted(nested | beside) or [folder]


def _is_same(path: Path, other: Path) -> bool:
    return path.name == other.name and path.absolute() == other.absolute()


def _read_list(path: Path) -> list[Path]:
    """The folders that a text file lists: in UTF-8 or UTF-16, or as the system's own bytes.

    Raises:
        StudyError: It is no text, or has names in an encoding that this system does not use.
    """
    try:
        content = path.read_bytes()
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            # Windows PowerShell writes it.
            content = content.decode("utf-16").encode()
    except OSError as error:
        raise StudyError(f"it cannot be read ({error.strerror}).", where=str(path)) from error
    except UnicodeDecodeError:
        content = b"\0"
    if b"\0" in content:
        raise StudyError(
            "this is no text file that lists study folders.",
            where=str(path),
            todo="Save the list as UTF-8, or name the folders.",
        )
    folders = []
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).splitlines(), start=1):
        try:
            name = os.fsdecode(line.strip())
            # What is not UTF-8 may be a name all the same, or one in another encoding.
            if encodable(name) != name and not is_folder(path.parent / name):
                raise ValueError("there is no such folder")
        except ValueError:
            raise StudyError(
                "this line is not UTF-8, and names no folder.",
                where=f"{path}, line {number}",
                todo="Save the list as UTF-8.",
            ) from None
        if name:
            folders.append(path.parent / name)
    return folders
