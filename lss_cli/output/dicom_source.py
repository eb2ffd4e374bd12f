"""What DICOM objects of a result take over from the study's files, and their UIDs."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path

import pydicom
from highdicom import UID
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VM, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName, validate_value

from lss_cli import __version__
from lss_cli.errors import StudyError
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.output.earlier import EarlierReport
from lss_cli.output.rows import rows
from lss_cli.study.geometry import Plane
from lss_cli.study.headers import silence_pydicom
from lss_cli.study.study import Study
from lss_cli.text import join_words

# What a report or a capture must name its source and its patient by.
REQUIRED = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientID",
    "PatientName",
)
# May be empty there (type 2), and is then left empty.
OPTIONAL = (
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)

# What differs between the files of a study.
OF_ONE_FILE = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")

# Where else a file may say it.
IN_META = {
    "SOPClassUID": "MediaStorageSOPClassUID",
    "SOPInstanceUID": "MediaStorageSOPInstanceUID",
}
# The group of what is said of the patient.
PATIENT = 0x0010
SEXES = ("M", "F", "O", "", None)

# Of the UIDs that are derived, each a UUID under 2.25 (PS3.5 annex B.2).
NAMESPACE = uuid.UUID("5d6bb3a5-6c9c-4a47-8f0e-0d2c1b6f7a11")


class DerivedUids:
    """UIDs that are the same whenever the result says the same of the same study.

    Made twice, a report is then one object for an archive, and one that says something else is
    another. So is one that says again what it said before the last: it takes that one's place.

    Args:
        result: What is written.
        sources: Of its graded levels, as `read_source` gives them.
        earlier: Reports on the study that are in the archive, in their order.

    Attributes:
        predecessor: The report whose place this one takes; ``None`` for the first.
    """

    def __init__(
        self, result: StudyGrade, sources: Sequence[Dataset], earlier: Sequence[EarlierReport] = ()
    ) -> None:
        source = sources[0]
        kept = [*REQUIRED, *OPTIONAL]
        said = [
            __version__,
            " ".join(card.sha256 for card in result.graders),
            [str(source.get(keyword) or "") for keyword in kept if keyword not in OF_ONE_FILE],
            [source.SOPInstanceUID for source in sources],
            [
                {
                    key: round(value, 6) if isinstance(value, float) else value
                    for key, value in row.items()
                    # The folder's name, which may change.
                    if key != "study_id"
                }
                for row in rows(result)
            ],
            result.cautions,
        ]
        self._said = json.dumps(said, ensure_ascii=False)
        self.predecessor, last = (None, None, *earlier)[-2:]
        # Unless it is the last one, made again.
        if last and self.derive("report") != last.instance:
            self.predecessor = last

    def derive(self, what: str) -> UID:
        """The UID of a part, such as ``report``."""
        after = f"\nafter {self.predecessor.instance}" if self.predecessor else ""
        return UID.from_uuid(str(uuid.uuid5(NAMESPACE, f"{what}\n{self._said}{after}")))


def graded_files(result: StudyGrade) -> list[tuple[LevelGrade, Path]]:
    """The levels that were graded, with their slices' files.

    Raises:
        StudyError: There is none.
    """
    graded = [(level, level.file) for level in result.levels if level.file]
    if not graded:
        raise StudyError("no level was graded, so there is nothing to report.")
    return graded


def check_source(study: Study) -> None:
    """Check that a report could be made of a study, as far as its headers tell.

    Raises:
        StudyError: The files of every axial series lack what a valid report needs.
    """
    axial = [series for series in study.series if series.plane is Plane.AXIAL]
    refusals = []
    with silence_pydicom():
        for series in axial:
            try:
                read_source(series.slices[0].path)
            except StudyError as error:
                refusals.append(error)
    if axial and len(refusals) == len(axial):
        raise refusals[0]


def read_source(file: Path) -> tuple[Dataset, list[str]]:
    """The header of a slice's file, with what a report copies from it, and what was left out.

    Raises:
        StudyError: It lacks what has to be there.
    """
    try:
        # Older files begin without a preamble.
        header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
    except Exception as error:
        # pydicom raises whatever it stumbles over.
        raise refusal("the header of a slice cannot be read") from error
    source, invalid = Dataset(), []
    for tag in header.keys():  # noqa: SIM118 (values are read one by one, since any may fail)
        element = _read_element(header, tag)
        keyword = keyword_for_tag(tag)
        if element is None and (tag.group == PATIENT or keyword in (*REQUIRED, *OPTIONAL)):
            invalid.append(keyword or str(tag))
        elif element is not None and tag.group > 2:
            source.add(element)
    # The text is decoded by now, whatever the files say of it.
    source.SpecificCharacterSet = "ISO_IR 192"
    meta = header.file_meta
    for keyword, name in IN_META.items():
        if keyword in source and not source.get(keyword) and meta.get(name):
            setattr(source, keyword, meta.get(name))
    missing = [
        keyword
        for keyword in REQUIRED
        if keyword not in [*source.dir(), *invalid]
        or (keyword.endswith("UID") and not source.get(keyword))
    ]
    if missing:
        names = join_words(f"{keyword} {pydicom.tag.Tag(keyword)}" for keyword in missing)
        raise refusal(f"the file has no {names}")
    for keyword in (*REQUIRED, *OPTIONAL):
        if keyword not in source:
            setattr(source, keyword, None)
    return source, invalid


def _read_element(header: Dataset, tag: BaseTag) -> DataElement | None:
    """One element; ``None`` where it is not what the standard allows."""
    try:
        element = header[tag]
        usable = _is_valid(element)
    except Exception:
        return None
    return element if usable else None


def _is_valid(element: DataElement) -> bool:
    """Whether the standard allows the value; raises where it does not."""
    if element.VR == "SQ":
        return all(_is_valid(inner) for item in element.value for inner in item)
    if element.keyword == "PatientSex":
        return element.value in SEXES
    if element.keyword and element.VM > 1 and dictionary_VM(element.tag) == "1":
        return False
    values = element.value if element.VM > 1 else [element.value]
    for value in values:
        if isinstance(value, str | PersonName):
            validate_value(element.VR, str(value), RAISE)
    return True


def refusal(what: str) -> StudyError:
    """Why there is no report."""
    return StudyError(
        f"no DICOM result can be made, since {what}.",
        todo="Use the files as the scanner or the archive sends them, or leave out --dicom-sr and "
        "--dicom-sc.",
    )
