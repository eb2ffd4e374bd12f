"""The public face: `lss_cli.grade` in one call, or step by step."""

from collections.abc import Iterable, Sequence
from functools import cache
from os import PathLike
from pathlib import Path

from lss_cli.anatomy import Condition
from lss_cli.grading.grade import grade_study, study_names
from lss_cli.grading.result import StudyGrade
from lss_cli.locate.proposer import Proposer
from lss_cli.model import session
from lss_cli.model.find import DEFAULT_MODEL, find_model, find_models, models_folder
from lss_cli.model.models import Models
from lss_cli.model.session import Model
from lss_cli.points import table
from lss_cli.points.point import BadPoint, Point
from lss_cli.study import study as dicom
from lss_cli.study.study import Study

File = str | PathLike[str]


def grade(
    study: File | Study,
    coords: File | Iterable[Point | BadPoint],
    model: File | Model | Models = DEFAULT_MODEL,
    conditions: Sequence[Condition] = (),
) -> StudyGrade:
    """Grade the points of one study. A level that cannot be graded costs no other.

    The points are held against the discs and recesses that the shipped networks find.

    Args:
        study: The folder of one study's DICOM files, or what `read_study` gave.
        coords: A table of points (CSV or JSON), or points.
        model: The name of a shipped model, an ``.onnx`` file, or what `load_models` or `load_model`
            gave. By the name ``default`` all shipped models grade, each what it may.
        conditions: Those wanted; by default all that the points name and the model may grade.

    Raises:
        LssError: Something cannot be used as a whole: a `StudyError`, `PointsError` or
            `ModelError`, whose text says what to do. A level that cannot be graded is no error;
            it has a `reason` instead of `probabilities`.

    Example:
        >>> import lss_cli
        >>> result = lss_cli.grade("study_123", "coords.csv")
        >>> for row in result.levels[:2]:
        ...     print(row.condition, row.level, row.status)
        left_subarticular_stenosis L1/L2 graded
        left_subarticular_stenosis L2/L3 graded
    """
    study = study if isinstance(study, Study) else read_study(study)
    if isinstance(coords, str | PathLike):
        points, bad_points = read_points(coords, study)
    else:
        rows = list(coords)
        points = [row for row in rows if isinstance(row, Point)]
        bad_points = [row for row in rows if isinstance(row, BadPoint)]
    models = model if isinstance(model, Model | Models) else load_models(model)
    landmarks = _find_proposer(models_folder()).landmarks(study)
    return grade_study(study, points, bad_points, models, conditions, landmarks=landmarks)


@cache
def _find_proposer(folder: Path) -> Proposer:
    """With the networks of a folder, loaded once."""
    return Proposer(folder)


def read_study(folder: File) -> Study:
    """Read the headers of a study folder: flat or nested, any file names.

    Raises:
        StudyError: There is no such folder, no DICOM image in it, or more than one study.

    Example:
        >>> study = read_study("study_123")
        >>> study.axial_t2.series.description
        'Ax T2'
    """
    return dicom.read_study(Path(folder))


def read_points(file: File, study: Study | None = None) -> tuple[list[Point], list[BadPoint]]:
    """Read a table of points, CSV or JSON, in the columns of RSNA's coordinates.

    Args:
        file: The table.
        study: Whose points are wanted; by default the rows of all studies are read.

    Returns:
        The usable points and the rows that cannot be used, each in the order of the file.

    Raises:
        PointsError: The file as a whole cannot be used, or has no row of the study.

    Example:
        >>> points, bad_points = read_points("coords.csv", read_study("study_123"))
        >>> print(points[0].condition, points[0].level)
        left_subarticular_stenosis L1/L2
    """
    return table.read_points(Path(file), study_names(study) if study else ())


def load_models(model: File = DEFAULT_MODEL) -> Models:
    """Load and check what grades by a name; load it once to grade many studies.

    Args:
        model: The name of a shipped model, or an ``.onnx`` file.

    Raises:
        ModelError: There is no such model, or a file does not describe itself as one of ours.

    Example:
        >>> [str(condition) for condition in load_models().conditions][:2]
        ['left_subarticular_stenosis', 'right_subarticular_stenosis']
    """
    return Models.load(find_models(str(model)))


def load_model(model: File = DEFAULT_MODEL) -> Model:
    """Load and check one model file.

    Args:
        model: The name of a shipped model, or an ``.onnx`` file.

    Raises:
        ModelError: There is no such model, or the file does not describe itself as one of ours.

    Example:
        >>> load_model("default").metadata.input.neighbours
        1
    """
    return session.load_model(find_model(str(model)))
