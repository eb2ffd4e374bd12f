"""A study's result as DICOM secondary captures: pictures that every viewer shows."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from highdicom.sc import ConversionTypeValues, SCImage
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from lss_cli.anatomy import Level
from lss_cli.files import make_folder, replacing
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.output.dicom_source import DerivedUids, graded_files, read_source, refusal
from lss_cli.output.earlier import EarlierReport
from lss_cli.output.table_picture import draw_banner, draw_table
from lss_cli.study.headers import silence_pydicom

SERIES_NUMBER = 9001


def write_captures(
    folder: Path,
    result: StudyGrade,
    pictures: Mapping[Level, Image.Image],
    earlier: Sequence[EarlierReport] = (),
) -> list[Path]:
    """Write one series: the table, then a picture for each level.

    The files carry the patient's identity, as the standard wants, in their headers; in the
    pictures stands the study's name here, and no other.

    Args:
        folder: For ``table.dcm`` and one file per level.
        result: Of one study.
        pictures: Of its levels.
        earlier: As `write_sr` takes them, so that both belong together.

    Raises:
        StudyError: No level was graded, or the files lack what a valid capture needs.
        OutputError: The folder cannot be created or written to.
    """
    make_folder(folder)
    graded = graded_files(result)
    with silence_pydicom():
        sources = [(level, read_source(file)[0]) for level, file in graded]
        uids = DerivedUids(result, [source for _, source in sources], earlier)
        series = CaptureSeries(sources, uids)
        written = [_write(folder / "table.dcm", series.capture(draw_table(result), 1, None))]
        for number, (level, picture) in enumerate(pictures.items(), start=2):
            capture = series.capture(picture, number, level)
            written.append(_write(folder / f"{level.key}.dcm", capture))
    return written


def _write(path: Path, capture: bytes) -> Path:
    with replacing(path) as temporary:
        temporary.write_bytes(capture)
    return path


@dataclass(frozen=True)
class CaptureSeries:
    """What the captures of a study have in common.

    Attributes:
        sources: Headers of the slices' files, level by level.
        uids: Of the captures.
    """

    sources: Sequence[tuple[LevelGrade, Dataset]]
    uids: DerivedUids

    def capture(self, picture: Image.Image, number: int, level: Level | None) -> bytes:
        """The file of one capture.

        Args:
            picture: What it shows, beside a banner that says what it is.
            number: InstanceNumber.
            level: Which it shows; ``None`` for the table.

        Raises:
            StudyError: The files hold what no capture may.
        """
        try:
            # What cannot be written shows before there is a file.
            file = io.BytesIO()
            self._make(picture, number, level).save_as(file)
            return file.getvalue()
        except Exception as error:
            # highdicom and pydicom raise whatever they stumble over.
            raise refusal("the files hold what no capture may") from error

    def _make(self, picture: Image.Image, number: int, level: Level | None) -> SCImage:
        what = str(level) if level else "table"
        capture = SCImage.from_ref_dataset(
            self.sources[0][1],
            np.asarray(draw_banner(picture)),
            photometric_interpretation="RGB",
            bits_allocated=8,
            coordinate_system="PATIENT",
            series_instance_uid=self.uids.derive("series of the captures"),
            series_number=SERIES_NUMBER,
            sop_instance_uid=self.uids.derive(f"capture: {what}"),
            instance_number=number,
            manufacturer="lss",
            # Slices are shown in the one orientation: rows to the left, columns to the back.
            patient_orientation=("L", "P"),
            transfer_syntax_uid=ExplicitVRLittleEndian,
            series_description="lss: key pictures, research only, not a medical device",
        )
        capture.ConversionType = ConversionTypeValues.WSD.value
        capture.SpecificCharacterSet = "ISO_IR 192"
        # No paired part of the body, which would have a laterality.
        capture.BodyPartExamined = "LSPINE"
        # The study's name here, and the day.
        capture.BurnedInAnnotation = "YES"
        capture.ImageComments = what
        if level is None:
            capture["PatientOrientation"].value = None
        else:
            capture.SourceImageSequence = list(
                {
                    (source.SOPInstanceUID, row.frame): _reference(source, row)
                    for row, source in self.sources
                    if row.level == level
                }.values()
            )
            capture.DerivationDescription = "slices with the points that were graded"
        return capture


def _reference(source: Dataset, level: LevelGrade) -> Dataset:
    """The image that a picture was made of (PS3.3 table 10-3)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    if level.frame is not None:
        reference.ReferencedFrameNumber = level.frame + 1
    return reference
