"""The model inputs of one study: what to make, and making it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lss_cli.anatomy import Condition
from lss_cli.dataset.sources.base import PointRef, Source
from lss_cli.dataset.sources.master_table import Reason, Unusable
from lss_cli.model.inputs import model_input
from lss_cli.model.spec import InputSpec
from lss_cli.slices import Float32Array


@dataclass(frozen=True)
class InputRequest:
    """One model input to be made.

    Attributes:
        name: The row's id, unique in the source.
        point: Where its point lies.
        condition: That of the point, before any mirroring.
        mirror: Whether left and right are exchanged.
    """

    name: str
    point: PointRef
    condition: Condition
    mirror: bool

    @property
    def key(self) -> str:
        """Changes with everything that the input depends on, files and specification aside."""
        point = self.point
        where = f"{point.series_id} {point.instance_number} {point.x!r} {point.y!r}"
        return f"{self.name} {where}{' mirrored' if self.mirror else ''}"


@dataclass(frozen=True)
class Made:
    """One model input.

    Attributes:
        image: H × W × C.
        coords: The point, as fractions of the full slice's width and height.
        slice_mm: Width and height of the full, oriented slice.
    """

    image: Float32Array
    coords: tuple[float, float]
    slice_mm: tuple[float, float]


def study_inputs(
    source: Source, study_id: str, requests: Sequence[InputRequest], spec: InputSpec
) -> Iterator[Made | Unusable]:
    """Make model inputs of one study, in this order; what cannot be made gives the reason why."""
    try:
        images = source.open_study(study_id)
    except Unusable as verdict:
        yield from (verdict for _ in requests)
        return
    for request in requests:
        try:
            slices, point = images.at(request.point, spec.neighbours)
            side = request.condition.side
            image, coords = model_input(slices, point, spec, side=side, mirror=request.mirror)
        except Unusable as verdict:
            yield verdict
        except ValueError as error:
            yield Unusable(Reason.POINT_OUTSIDE, str(error))
        else:
            width, height = (
                pixels * mm for pixels, mm in zip(slices.full_size, slices.spacing_mm, strict=True)
            )
            x, y = coords.tolist()
            yield Made(image, (x, y), (width, height))
