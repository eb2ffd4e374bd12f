"""Choosing series of a study, and saying why it is those."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lss_cli.errors import StudyError
from lss_cli.study.geometry import Plane, Vector
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

# In which of several sagittal series discs are counted: the lowest.
PLAIN_RANK, SUPPRESSED_RANK, UNKNOWN_RANK, OTHER_RANK = range(4)


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
    choices = find_axial_t2(series)
    if len(choices) > 1:
        raise StudyError(
            f"{len(choices)} series may be the axial T2.",
            todo="Name one of them in the column series_id: "
            f"{_describe([choice.series for choice in choices])}.",
        )
    return choices[0]


def find_axial_t2(series: Sequence[Series]) -> list[Choice]:
    """All series that may be the axial T2: several where a study was taken in parts, or twice.

    Raises:
        StudyError: There is none.
    """
    axial = _candidates(series, Plane.AXIAL)
    t2 = [candidate for candidate in axial if weighting(candidate) == "T2"]
    if len(t2) > 1:
        plain = [candidate for candidate in t2 if not FAT_SUPPRESSED.search(candidate.description)]
        t2 = plain if len(plain) == 1 else t2
    if t2:
        return [
            Choice(candidate, f"axial by its orientation, {_evidence(candidate)}")
            for candidate in t2
        ]
    unknown = [candidate for candidate in axial if weighting(candidate) == "unknown"]
    if len(unknown) == 1:
        return [
            Choice(
                unknown[0],
                "the only axial series that is not another weighting",
                doubt=f"series {printable(unknown[0].id)} does not say that it is T2-weighted.",
            )
        ]
    raise StudyError(
        "the study has no axial T2 series.",
        todo=f"It has {_describe(series)}. To use one of them all the same, name it in the "
        "column series_id.",
    )


def choose_sagittal(series: Sequence[Series], shown: Sequence[Vector] = ()) -> Choice:
    """Choose the sagittal series in which discs are counted: T2, then fat-suppressed, then others.

    Of several alike it is the one that shows the most of what is to be shown, then the one with the
    most slices.

    Args:
        series: Of the study.
        shown: Positions in the patient, in mm, such as of the axial slices.

    Raises:
        StudyError: There is no sagittal series.
    """
    sagittal = _candidates(series, Plane.SAGITTAL)
    if not sagittal:
        raise StudyError(
            "the study has no sagittal series, in which the discs could be counted.",
            todo=f"It has {_describe(series)}.",
        )
    ranks = {id(candidate): _sagittal_rank(candidate) for candidate in sagittal}
    best = min(ranks.values())
    alike = [candidate for candidate in sagittal if ranks[id(candidate)] == best]
    chosen = max(
        alike,
        key=lambda candidate: (
            sum(candidate.slices[0].geometry.shows(position) for position in shown),
            len(candidate.slices),
        ),
    )
    evidence = "" if best == UNKNOWN_RANK else f", {_evidence(chosen)}"
    several = f"; of {len(alike)} alike it shows the most" if len(alike) > 1 else ""
    doubt = {
        UNKNOWN_RANK: f"series {printable(chosen.id)} does not say that it is T2-weighted.",
        OTHER_RANK: "there is no sagittal T2; the discs were counted in "
        f"{printable(chosen.description) or 'another series'}.",
    }
    return Choice(chosen, f"sagittal by its orientation{evidence}{several}", doubt.get(best, ""))


def _sagittal_rank(series: Series) -> int:
    suppressed = bool(FAT_SUPPRESSED.search(series.description))
    if (kind := weighting(series)) == "T2":
        return SUPPRESSED_RANK if suppressed else PLAIN_RANK
    if kind == "unknown":
        return SUPPRESSED_RANK if suppressed else UNKNOWN_RANK
    return OTHER_RANK


def _candidates(series: Sequence[Series], plane: Plane) -> list[Series]:
    return [
        candidate
        for candidate in series
        if candidate.plane is plane and not NOT_ANATOMY.search(candidate.description)
    ]


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
    if weighting(series) == "T2":
        return f"T2 by its echo time of {series.echo_time:g} ms"
    return f"by its description {printable(series.description)!r}"


def _describe(candidates: Sequence[Series]) -> str:
    return join_words(
        f"{printable(series.id)} ({series.plane.value if series.plane else 'mixed'}, "
        f"{printable(series.description) or 'no description'}, {len(series.slices)} slices)"
        for series in candidates
    )
