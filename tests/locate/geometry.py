"""Series for tests of geometry: slices without files, along known planes."""

from pathlib import Path

import numpy as np

from lss_cli.anatomy import Level
from lss_cli.phantom.study import Phantom, PhantomSeries
from lss_cli.study.geometry import Geometry
from lss_cli.study.series import Series
from lss_cli.study.slice import Slice


def slice_at(geometry: Geometry, number: int) -> Slice:
    return Slice(
        path=Path(f"{number}.dcm"),
        instance_number=number,
        frame=None,
        sop_instance_uid=f"1.2.{number}",
        geometry=geometry,
        transfer_syntax="1.2.840.10008.1.2.1",
        array_bytes=0,
        samples_per_pixel=1,
        rescale=(1.0, 0.0),
        inverted=False,
        padding=None,
        pixel_data_offset=0,
        pixel_options={},
    )


def series_of(geometries, description="AX T2", uid="1.2.3") -> Series:
    slices = tuple(slice_at(geometry, number) for number, geometry in enumerate(geometries, 1))
    return Series(uid, ("series",), description, None, None, slices)


def plane(centre, row, column, spacing=0.7, size=256) -> Geometry:
    """A square slice by its centre, in mm."""
    row, column = np.asarray(row, float), np.asarray(column, float)
    corner = np.asarray(centre, float) - (size - 1) / 2 * spacing * (row + column)
    return Geometry(corner, row, column, (spacing, spacing), (size, size))


def axial_stack(centre, tilt=0.0, roll=0.0, *, count=5, step=4.0, **options) -> list[Geometry]:
    """Parallel slices from head to feet, `centre` in the middle of them; angles in degrees."""
    tilt, roll = np.radians(tilt), np.radians(roll)
    row = np.array([np.cos(roll), np.sin(roll), 0.0])
    back = np.array([-np.sin(roll), np.cos(roll), 0.0])
    column = np.cos(tilt) * back + np.sin(tilt) * np.array([0.0, 0.0, 1.0])
    normal = np.cross(row, column)
    return [
        plane(centre + step * ((count - 1) / 2 - index) * normal, row, column, **options)
        for index in range(count)
    ]


def series_of_phantom(series: PhantomSeries) -> Series:
    slices = []
    for slice_ in series.slices:
        at = slice_.plane
        geometry = Geometry(
            np.array(at.position),
            np.array(at.row_cosine),
            np.array(at.column_cosine),
            (at.spacing, at.spacing),
            (at.columns, at.rows),
        )
        slices.append(slice_at(geometry, slice_.instance_number))
    return Series(
        str(series.series_id),
        (str(series.series_id),),
        series.description,
        None,
        None,
        tuple(slices),
    )


def disc_centres(phantom: Phantom) -> list[tuple[Level, np.ndarray]]:
    curve, depth = phantom.body.curve, phantom.body.tables["body_depth"]
    centres = []
    for level in Level:
        s = curve.level(level)
        half = float(np.interp(s, curve.s, depth))
        centres.append((level, curve.to_patient(0, -half, s)))
    return centres
