"""Choosing the axial T2 series of a study, and saying why it is that one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lss_cli.errors import StudyError
from lss_cli.study.geometry import Plane
from lss_cli.study.series import Series
from lss_cli.text import join_words, printable

# Spin echo: T2 weighting needs a long echo time, T1 weighting a short one with a short repetition
# time (McRobbie et al., "MRI from Picture to Proton", ch. 3). Lumbar protocols lie far from these.
T2_ECHO_TIME_MS = 60.0
T1_ECHO_TIME_MS = 30.0
T1_REPETITION_TIME_MS = 1200.0

# Words are often glued together: "t2_tse_tra", "sT2W_TSE", "AXT2", "3plane_loc".
NOT_ANATOMY = re.compile(
    r"(?<![a-z])(loc|localizer|localiser|scout|survey|smart|calib\w*)(?![a-z])", re.IGNORECASE
)
T2_NAME = re.compile(r"t2(?![0-9*])", re.IGNORECASE)
OTHER_NAME = re.compile(r"t1(?![0-9])|t2\*|(?<![a-z])(pd|dwi|adc)(?![a-z])", re.IGNORECASE)
FAT_SUPPRESSED = re.compile(
    r"(?<![a-z])(fs|fat.?sat|spair|spir|stir|dixon)(?![a-z])", re.IGNORECASE
)


@dataclass(frozen=True)
class Choice:
    """The chosen series, in words why, and a doubt where there is one."""

    series: Series
    why: str
    doubt: str = ""


def choose_axial_t2(series: Sequence[Series]) -> Choice:
    """Choose the axial T2 among the series of a study.

    Raises:
        StudyError: There is none, or there are several between which only a person can choose.
    """
    axial = [
        candidate
        for candidate in series
        if candidate.plane is Plane.AXIAL and not NOT_ANATOMY.search(candidate.description)
    ]
    t2 = [candidate for candidate in axial if weighting(candidate) == "T2"]
    if len(t2) > 1:
        plain = [candidate for candidate in t2 if not FAT_SUPPRESSED.search(candidate.description)]
        t2 = plain if len(plain) == 1 else t2
    if len(t2) == 1:
        return Choice(t2[0], f"axial by its orientation, {_evidence(t2[0])}")
    if t2:
        raise StudyError(
            f"{len(t2)} series may be the axial T2.",
            todo=f"Name one of them in the column series_id: {_describe(t2)}.",
        )
    unknown = [candidate for candidate in axial if weighting(candidate) == "unknown"]
    if len(unknown) == 1:
        return Choice(
            unknown[0],
            "the only axial series that is not another weighting",
            doubt=f"series {printable(unknown[0].id)} does not say that it is T2-weighted.",
        )
    raise StudyError(
        "the study has no axial T2 series.",
        todo=f"It has {_describe(series)}. To use one of them all the same, name it in the "
        "column series_id.",
    )


def weighting(series: Series) -> str:
    """``T2``, ``other`` or ``unknown``: by the description, else by echo and repetition time."""
    if T2_NAME.search(series.description):
        return "T2"
    if OTHER_NAME.search(series.description):
        return "other"
    if series.echo_time is None:
        return "unknown"
    if series.echo_time >= T2_ECHO_TIME_MS:
        return "T2"
    short = series.repetition_time is not None and series.repetition_time < T1_REPETITION_TIME_MS
    return "other" if series.echo_time < T1_ECHO_TIME_MS and short else "unknown"


def _evidence(series: Series) -> str:
    if T2_NAME.search(series.description):
        return f"T2 by its description {printable(series.description)!r}"
    return f"T2 by its echo time of {series.echo_time:g} ms"


def _describe(candidates: Sequence[Series]) -> str:
    return join_words(
        f"{printable(series.id)} ({series.plane.value if series.plane else 'mixed'}, "
        f"{printable(series.description) or 'no description'}, {len(series.slices)} slices)"
        for series in candidates
    )
