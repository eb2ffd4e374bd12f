"""The files that a result is asked for in."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import UsageError
from lss_cli.files import check_outputs, check_writable, make_folder, write_text
from lss_cli.grading.result import StudyGrade
from lss_cli.model.models import Models
from lss_cli.output.earlier import EarlierReport
from lss_cli.study.study import Study

# PNG files, by condition and level.
Pictures = dict[tuple[Condition, Level], bytes]


@dataclass(frozen=True)
class Outputs:
    """Where to write what; ``None`` for what is not wanted.

    The points (`coords`) are written as soon as they are clicked, not with the rest. A structured
    report takes the place of the last of those before (`earlier`, in their order).
    """

    csv: Path | None = None
    json: Path | None = None
    html: Path | None = None
    pictures: Path | None = None
    dicom_sr: Path | None = None
    dicom_sc: Path | None = None
    coords: Path | None = None
    earlier: tuple[EarlierReport, ...] = ()

    def check(self, reads: Sequence[Path] = ()) -> None:
        """Say before the work what could not be written after it.

        Args:
            reads: Files and folders that the work reads, and that no output may overwrite.

        Raises:
            OutputError: A place cannot be written to.
            UsageError: Two outputs have one name, or one that is read.
        """
        files = {
            "--csv": self.csv,
            "--json": self.json,
            "--html": self.html,
            "--dicom-sr": self.dicom_sr,
            "--save-coords": self.coords,
        }
        for path in filter(None, files.values()):
            if path == Path("-"):
                raise UsageError("only --json can print to stdout.", todo="Name a file.")
            check_writable(path)
        folders = {"--picture": self.pictures, "--dicom-sc": self.dicom_sc}
        check_outputs({**files, **folders}, reads)
        for folder in filter(None, folders.values()):
            make_folder(folder)

    def check_study(self, study: Study) -> None:
        """Say before the points are clicked that the study lacks what a DICOM output needs.

        Raises:
            StudyError: None of its axial series can be reported on.
        """
        if self.dicom_sr or self.dicom_sc:
            from lss_cli.output.dicom_source import check_source

            check_source(study)

    def write(
        self,
        study: Study,
        result: StudyGrade,
        models: Models,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[str | Exception]:
        """Write all that is wanted, each whole or not at all, and none at the cost of another.

        Args:
            study: Whose slices are drawn.
            result: Of that study.
            models: What graded it, and tells what mattered to it.
            progress: Called with the pictures drawn and their number.

        Yields:
            What is to be said of each file, or why there is none: an `LssError`, or a fault of
            ours.
        """
        pictures = cache(lambda: draw_levels(study, result, models, progress))
        jobs: list[tuple[Path | None, Callable[[Path], Iterable[str]]]] = [
            (self.csv, lambda path: _write_csv(path, result)),
            (self.json, lambda path: _write_json(path, result)),
            # Early, for it is quick: pictures take their time.
            (self.dicom_sr, lambda path: _write_sr(path, result, self.earlier)),
            (
                self.dicom_sc,
                lambda path: _write_captures(path, study, result, models, self.earlier),
            ),
            (self.html, lambda path: _write_html(path, result, pictures())),
            (self.pictures, lambda path: _write_pictures(path, pictures())),
        ]
        for path, write in jobs:
            if path:
                try:
                    yield from write(path)
                except Exception as error:
                    yield error


def _write_csv(path: Path, result: StudyGrade) -> Iterable[str]:
    from lss_cli.output.rows import to_csv

    write_text(path, to_csv([result]))
    return [_say_written(path)]


def _write_json(path: Path, result: StudyGrade) -> Iterable[str]:
    from lss_cli.output.json_document import to_json

    write_text(path, to_json(result))
    return [_say_written(path)]


def _write_sr(path: Path, result: StudyGrade, earlier: Sequence[EarlierReport]) -> Iterable[str]:
    from lss_cli.output.dicom_sr import write_sr

    note = write_sr(path, result, earlier)
    return [_say_written(path), *([f"Note: {note}"] if note else [])]


def _write_html(path: Path, result: StudyGrade, pictures: Pictures) -> Iterable[str]:
    from lss_cli.output.html import to_html

    write_text(path, to_html(result, pictures))
    return [_say_written(path)]


def _write_pictures(folder: Path, pictures: Pictures) -> Iterable[str]:
    from lss_cli.output.picture import write_pictures

    return map(_say_written, write_pictures(folder, pictures))


def _write_captures(
    folder: Path,
    study: Study,
    result: StudyGrade,
    models: Models,
    earlier: Sequence[EarlierReport],
) -> Iterable[str]:
    from lss_cli.output.key_picture import draw_key_pictures
    from lss_cli.output.secondary_capture import write_captures

    pictures = draw_key_pictures(study, result, models)
    return map(_say_written, write_captures(folder, result, pictures, earlier))


def _say_written(path: Path) -> str:
    return f"Written: {path}"


def draw_levels(
    study: Study,
    result: StudyGrade,
    models: Models,
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """A picture for every level that was graded; `progress` hears of each."""
    from lss_cli.grading.occlusion import explain_grade
    from lss_cli.output.picture import draw, png
    from lss_cli.study.pixels import remember_pixels

    # Left and right of a level share slices.
    read = remember_pixels()
    pictures: Pictures = {}
    graded = [(level, level.point) for level in result.levels if level.probabilities]
    say = progress if progress and graded else lambda *_: None
    for done, (level, point) in enumerate(graded):
        say(done, len(graded))
        if point:
            model = models.by_condition[point.condition]
            saliency = explain_grade(study, point, model, read)
            pictures[point.condition, point.level] = png(draw(saliency, result, level))
    say(len(graded), len(graded))
    return pictures
