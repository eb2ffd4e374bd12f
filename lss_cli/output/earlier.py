"""Reports that were made before."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EarlierReport:
    """A structured report on the same study that is in an archive already.

    Attributes:
        series: SeriesInstanceUID.
        instance: SOPInstanceUID.
    """

    series: str
    instance: str
