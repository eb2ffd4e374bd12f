"""Conditions, sides, levels and severities: the one vocabulary, and how others spell it."""

import re
from enum import StrEnum
from typing import Literal, Self, TypeVar

from lss_cli.text import join_words

E = TypeVar("E", bound=StrEnum)

# As RSNA's tables call them.
SeriesKind = Literal["Axial T2", "Sagittal T2/STIR", "Sagittal T1"]


class Side(StrEnum):
    """The patient's side."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> "Side":
        """The opposite side."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT


class Level(StrEnum):
    """A lumbar disc level, named by the two vertebrae beside it, head to feet."""

    L1_L2 = "L1/L2"
    L2_L3 = "L2/L3"
    L3_L4 = "L3/L4"
    L4_L5 = "L4/L5"
    L5_S1 = "L5/S1"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``L1/L2``, ``L1-L2``, ``L1_L2``, ``l1_l2``, ``L1/2`` or ``L1-2``.

        Raises:
            ValueError: The text names no lumbar disc level; the message lists those that exist.

        Examples:
            >>> Level.parse("l5_s1")
            <Level.L5_S1: 'L5/S1'>
            >>> Level.parse("L4-5")
            <Level.L4_L5: 'L4/L5'>
        """
        # Word processors turn the hyphen into a dash.
        normal = re.sub(r"[\s/_\u2010-\u2014-]+", "/", text.strip()).upper()
        return _parse(cls, text, re.sub(r"^(L\d/)(\d)$", r"\1L\2", normal))

    @property
    def key(self) -> str:
        """``l1_l2``: the spelling in column names and row ids."""
        return self.value.lower().replace("/", "_")

    @property
    def ordinal(self) -> int:
        """0 for L1/L2 … 4 for L5/S1."""
        return list(Level).index(self)


class Severity(StrEnum):
    """The three grades, in order."""

    NORMAL_MILD = "Normal/Mild"
    MODERATE = "Moderate"
    SEVERE = "Severe"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``Normal/Mild``, ``normal_mild``, ``Moderate`` or ``severe``.

        Raises:
            ValueError: The text names no severity; the message lists those that exist.

        Examples:
            >>> Severity.parse("normal_mild").ordinal
            0
        """
        return _parse(cls, text, re.sub(r"[\s/_-]+", "/", text.strip()).title())

    @property
    def column(self) -> str:
        """``normal_mild``, ``moderate`` or ``severe``: the name of its probability column."""
        return self.value.lower().replace("/", "_")

    @property
    def ordinal(self) -> int:
        """0, 1 or 2: its place in a model's output."""
        return list(Severity).index(self)


class Condition(StrEnum):
    """What is graded."""

    LEFT_SUBARTICULAR = "left_subarticular_stenosis"
    RIGHT_SUBARTICULAR = "right_subarticular_stenosis"
    SPINAL_CANAL = "spinal_canal_stenosis"
    LEFT_FORAMINAL = "left_neural_foraminal_narrowing"
    RIGHT_FORAMINAL = "right_neural_foraminal_narrowing"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``Left Subarticular Stenosis`` or ``left_subarticular_stenosis``.

        Raises:
            ValueError: The text names no condition; the message lists those that exist.

        Examples:
            >>> Condition.parse("Left Subarticular Stenosis").mirrored.rsna_name
            'Right Subarticular Stenosis'
        """
        return _parse(cls, text, re.sub(r"[\s_-]+", "_", text.strip()).lower())

    @property
    def rsna_name(self) -> str:
        """``Left Subarticular Stenosis``: the spelling of the RSNA tables."""
        return self.value.replace("_", " ").title()

    @property
    def side(self) -> Side | None:
        """The patient's side that the condition belongs to, ``None`` for the canal."""
        return next((side for side in Side if self.value.startswith(side)), None)

    @property
    def place(self) -> str:
        """``left``, ``right`` or ``canal``: what it is called beside the others of its kind."""
        return self.side or "canal"

    @property
    def finding(self) -> str:
        """What both sides have in common.

        Examples:
            >>> Condition.LEFT_SUBARTICULAR.finding, Condition.SPINAL_CANAL.finding
            ('Subarticular Stenosis', 'Spinal Canal Stenosis')
        """
        return self.rsna_name.removeprefix(f"{self.side or ''} ".title())

    @property
    def mirrored(self) -> "Condition":
        """The same condition on the other side; the canal is its own mirror image."""
        if self.side is None:
            return self
        return Condition(self.value.replace(self.side, self.side.other, 1))

    @property
    def series_description(self) -> SeriesKind:
        """The RSNA name of the kind of series in which this condition is graded."""
        if "subarticular" in self.value:
            return "Axial T2"
        return "Sagittal T2/STIR" if self is Condition.SPINAL_CANAL else "Sagittal T1"


DEFAULT_CONDITION = Condition.LEFT_SUBARTICULAR


def row_id(study_id: str, condition: Condition, level: Level) -> str:
    """Name a row as RSNA's submissions do.

    Examples:
        >>> row_id("100206310", Condition.LEFT_SUBARTICULAR, Level.L1_L2)
        '100206310_left_subarticular_stenosis_l1_l2'
    """
    return f"{study_id}_{condition}_{level.key}"


def _parse(kind: type[E], text: str, normal: str) -> E:
    try:
        return kind(normal)
    except ValueError:
        raise ValueError(
            f"{text!r} is no {kind.__name__.lower()}; those are {join_words(kind)}."
        ) from None
