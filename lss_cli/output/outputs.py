"""The files that a result is asked for in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lss_cli.anatomy import Condition, Level
from lss_cli.errors import UsageError
from lss_cli.files import check_outputs, check_writable, make_folder, write_text
from lss_cli.grading.result import StudyGrade
from lss_cli.model.session import Model
from lss_cli.study.study import Study


@dataclass(frozen=True)
class Outputs:
    """Where to write what; ``None`` for what is not wanted.

    The points (`coords`) are written as soon as they are clicked, not with the rest.
    """

    csv: Path | None = None
    json: Path | None = None
    html: Path | None = None
    pictures: Path | None = None
    dicom_sr: Path | None = None
    coords: Path | None = None

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
        check_outputs({**files, "--picture": self.pictures}, reads)
        if self.pictures:
            make_folder(self.pictures)

    def write(self, study: Study, result: StudyGrade, model: Model) -> list[Path]:
        """Write all but the structured report, each whole or not at all; returns the paths.

        Args:
            study: Whose slices are drawn.
            result: Of that study.
            model: What graded it, and tells what mattered to it.

        Raises:
            OutputError: A file cannot be written.
        """
        written = [path for path in (self.csv, self.json, self.html) if path]
        if self.csv:
            from lss_cli.output.rows import to_csv

            write_text(self.csv, to_csv([result]))
        if self.json:
            from lss_cli.output.json_document import to_json

            write_text(self.json, to_json(result))
        if self.html or self.pictures:
            written += self._write_pictures(study, result, model)
        return written

    def write_report(self, result: StudyGrade) -> list[str]:
        """Write the structured report, if it is wanted; returns what is to be said of it.

        Raises:
            OutputError: The file cannot be written.
            StudyError: The study lacks what a structured report needs. It alone can be refused.
        """
        if not self.dicom_sr:
            return []
        from lss_cli.output.dicom_sr import write_sr

        note = write_sr(self.dicom_sr, result)
        return [f"Written: {self.dicom_sr}", *([f"Note: {note}"] if note else [])]

    def _write_pictures(self, study: Study, result: StudyGrade, model: Model) -> list[Path]:
        pictures = draw_levels(study, result, model)
        if self.html:
            from lss_cli.output.html import to_html

            write_text(self.html, to_html(result, pictures))
        if self.pictures:
            from lss_cli.output.picture import write_pictures

            return write_pictures(self.pictures, pictures)
        return []


def draw_levels(
    study: Study, result: StudyGrade, model: Model
) -> dict[tuple[Condition, Level], Image.Image]:
    """A picture for every level that was graded."""
    from lss_cli.grading.occlusion import explain_grade
    from lss_cli.output.picture import draw

    return {
        (point.condition, point.level): draw(explain_grade(study, point, model))
        for point in (level.point for level in result.levels if level.probabilities)
        if point
    }
