"""A study's result as a DICOM structured report (Comprehensive 3D SR, TID 1500).

The codes are listed in ``docs/dicom-sr.md``.
"""

import io
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from highdicom import UID, sr
from highdicom.sr.coding import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import Comprehensive3DSRStorage

from lss_cli import __version__
from lss_cli.anatomy import Condition, Level, Severity, Side
from lss_cli.files import replacing
from lss_cli.grading.result import LevelGrade, StudyGrade
from lss_cli.output.dicom_source import DerivedUids, graded_files, read_source, refusal
from lss_cli.output.earlier import EarlierReport
from lss_cli.study.headers import silence_pydicom
from lss_cli.text import join_words, printable

SCHEME = "99LSS"

DISCS = {
    Level.L1_L2: codes.SCT.L1L2Disc,
    Level.L2_L3: codes.SCT.L2L3Disc,
    Level.L3_L4: codes.SCT.L3L4Disc,
    Level.L4_L5: codes.SCT.L4L5Disc,
    Level.L5_S1: codes.SCT.L5S1Disc,
}
SIDES = {Side.LEFT: codes.SCT.Left, Side.RIGHT: codes.SCT.Right}

GRADE = CodedConcept("GRADE", SCHEME, "Grade of stenosis")
ALSO_POSSIBLE = CodedConcept("POSSIBLE", SCHEME, "Grade that is possible too")
# The merged class is one concept: neither "Normal" nor "Mild" alone is what was graded.
GRADES = {
    Severity.NORMAL_MILD: CodedConcept("NORMAL-OR-MILD", SCHEME, "Normal or mild stenosis"),
    Severity.MODERATE: CodedConcept("MODERATE", SCHEME, "Moderate stenosis"),
    Severity.SEVERE: CodedConcept("SEVERE", SCHEME, "Severe stenosis"),
}
ZONES = {
    Condition.LEFT_SUBARTICULAR: CodedConcept("SUBARTICULAR", SCHEME, "Subarticular zone"),
    Condition.RIGHT_SUBARTICULAR: CodedConcept("SUBARTICULAR", SCHEME, "Subarticular zone"),
    Condition.SPINAL_CANAL: CodedConcept("CENTRAL", SCHEME, "Central canal zone"),
    Condition.LEFT_FORAMINAL: CodedConcept("FORAMINAL", SCHEME, "Foraminal zone"),
    Condition.RIGHT_FORAMINAL: CodedConcept("FORAMINAL", SCHEME, "Foraminal zone"),
}
PROCEDURE = CodedConcept("MR-LUMBAR-SPINE", SCHEME, "MRI of lumbar spine")


def write_sr(path: Path, result: StudyGrade, earlier: Sequence[EarlierReport] = ()) -> str:
    """Write the report. It carries the patient's identity, as the standard wants.

    Args:
        path: The file.
        result: Levels that were not graded are named in comments.
        earlier: Reports on the study that are in the archive, in their order.

    Returns:
        Which values of the files are not valid and were left out; empty for most.

    Raises:
        StudyError: No level was graded, or the files lack what a valid report needs.
        OutputError: The file cannot be written.
    """
    graded = graded_files(result)
    with silence_pydicom():
        read = [read_source(file) for _, file in graded]
        sources = [source for source, _ in read]
        names = dict.fromkeys(name for _, invalid in read for name in invalid)
        note = f"not valid in the files, so left out here: {join_words(names)}." if names else ""
        try:
            uids = DerivedUids(result, sources, earlier)
            report = _make_report(graded, sources, result, note, uids)
        except Exception as error:
            # highdicom and pydicom raise whatever they stumble over.
            raise refusal("the files hold what no report may") from error
        with replacing(path) as temporary:
            temporary.write_bytes(report)
    return note


def _make_report(
    graded: Sequence[tuple[LevelGrade, Path]],
    sources: Sequence[Dataset],
    result: StudyGrade,
    note: str,
    uids: DerivedUids,
) -> bytes:
    groups = [
        _group(level, source, result, uids)
        for (level, _), source in zip(graded, sources, strict=True)
    ]
    report = sr.Comprehensive3DSR(
        evidence=list({source.SOPInstanceUID: source for source in sources}.values()),
        content=_content(groups, result, note)[0],
        series_instance_uid=uids.derive("series of the report"),
        series_number=9000,
        sop_instance_uid=uids.derive("report"),
        instance_number=1,
        manufacturer="lss",
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description="lss: stenosis grades, research only, not a medical device",
        previous_versions=_describe(uids.predecessor, sources[0]),
    )
    report.CodingSchemeIdentificationSequence = [_scheme()]
    # What cannot be written shows before there is a file.
    file = io.BytesIO()
    report.save_as(file)
    return file.getvalue()


def _describe(report: EarlierReport | None, source: Dataset) -> list[Dataset] | None:
    """The report whose place another takes, of which highdicom makes a reference."""
    if report is None:
        return None
    described = Dataset()
    described.SOPClassUID = Comprehensive3DSRStorage
    described.StudyInstanceUID = source.StudyInstanceUID
    described.SeriesInstanceUID = report.series
    described.SOPInstanceUID = report.instance
    return [described]


def _scheme() -> Dataset:
    """What the private codes belong to (PS3.3 C.12.1.1.1, Coding Scheme Identification)."""
    scheme = Dataset()
    scheme.CodingSchemeDesignator = SCHEME
    scheme.CodingSchemeName = "lss"
    scheme.CodingSchemeResponsibleOrganization = "The lss developers"
    return scheme


def _content(
    groups: Sequence[sr.PlanarROIMeasurementsAndQualitativeEvaluations],
    result: StudyGrade,
    note: str,
) -> sr.MeasurementReport:
    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=UID.from_uuid(_device_uuid(result)), name="lss", model_name=__version__
        ),
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=PROCEDURE,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    left_out = [
        f"{level.condition or 'unreadable row'} {level.level} {level.status}: {level.reason}"
        for level in result.levels
        if level.probabilities is None
    ]
    comments = [text for text in (result.remark, *left_out, *result.cautions, note) if text]
    content[0].ContentSequence.extend(_comment(text) for text in comments)
    return content


def _device_uuid(result: StudyGrade) -> str:
    """One identity per model file, and one per several."""
    digests = [card.sha256 for card in result.graders]
    digest = digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"


def _group(
    graded: LevelGrade, source: Dataset, result: StudyGrade, uids: DerivedUids
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    """One level: where, what was found, how likely, and by what."""
    point, condition, level, grade = graded.point, graded.condition, graded.level, graded.grade
    assert point and condition and grade and graded.probabilities and isinstance(level, Level)
    model = result.models_of(condition)[0]
    region = sr.ImageRegion(
        graphic_type=sr.GraphicTypeValues.POINT,
        # An SCOORD counts from the corner of the first pixel, a point from its centre.
        graphic_data=np.array([[point.x + 0.5, point.y + 0.5]]),
        source_image=sr.SourceImageForRegion(
            referenced_sop_class_uid=source.SOPClassUID,
            referenced_sop_instance_uid=source.SOPInstanceUID,
            referenced_frame_numbers=None if graded.frame is None else [graded.frame + 1],
        ),
    )
    group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uids.derive(f"{condition} {level}"), f"{condition} {level}"
        ),
        referenced_region=region,
        finding_type=codes.SCT.Stenosis,
        algorithm_id=sr.AlgorithmIdentification(
            name=f"lss, model {model.name}",
            version=f"{__version__}, model {model.sha256[:12]}",
            parameters=[
                f"licence of the model: {printable(model.licence, 200)}",
                f"grade: {graded.rule.text}",
            ],
        ),
        finding_sites=[
            sr.FindingSite(
                anatomic_location=DISCS[level],
                laterality=SIDES[condition.side] if condition.side else None,
                topographical_modifier=ZONES[condition],
            )
        ],
        measurements=[
            _probability(severity, value)
            for severity, value in zip(Severity, graded.probabilities, strict=True)
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(
                GRADE if severity is grade else ALSO_POSSIBLE, GRADES[severity]
            )
            for severity in sorted(graded.possible, key=lambda severity: severity is not grade)
        ],
    )
    # TID 1411 may be extended.
    group[0].ContentSequence.extend(_comment(text) for text in result.warnings_of(graded))
    return group


def _comment(text: str) -> sr.TextContentItem:
    return sr.TextContentItem(
        name=codes.DCM.Comment,
        value=printable(text, 1024),
        relationship_type=sr.RelationshipTypeValues.CONTAINS,
    )


def _probability(severity: Severity, value: float) -> sr.Measurement:
    measurement = sr.Measurement(
        name=codes.DCM.Probability, value=round(value, 6), unit=codes.UCUM.NoUnits
    )
    # Of which grade: TID 1419 lets a measurement carry any concept modifier.
    measurement[0].ContentSequence = sr.ContentSequence(
        [
            sr.CodeContentItem(
                name=GRADE,
                value=GRADES[severity],
                relationship_type=sr.RelationshipTypeValues.HAS_CONCEPT_MOD,
            ),
            *measurement[0].get("ContentSequence", []),
        ]
    )
    return measurement
