"""DICOM studies for tests: a smooth synthetic body, cut along any plane, with few tags."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

AXIAL = (1, 0, 0, 0, 1, 0)
SAGITTAL = (0, 1, 0, 0, 0, -1)

# How a study can lie in its files without being another one.
WAYS = {
    "flipped left-right": {"flip_x": True},
    "flipped top-bottom": {"flip_y": True},
    "turned by 90°": {"transpose": True, "flip_x": True},
    "turned by 180°": {"flip_x": True, "flip_y": True},
    "turned by 270°": {"transpose": True, "flip_y": True},
    "transposed": {"transpose": True},
}


def tissue(position: np.ndarray) -> np.ndarray:
    """Intensity 0…4000 at positions in mm; differs to the left, the back and the head."""
    x, y, z = np.moveaxis(position, -1, 0)
    waves = np.sin(x / 7) + np.cos(y / 5 + x / 30) + np.sin(z / 9 + x / 11) + x / 60 - y / 80
    return np.clip(2000 + 400 * waves, 0, 4095).astype(np.uint16)


def tilted(degrees: float) -> tuple[float, ...]:
    """An axial orientation, tipped about the left-right axis."""
    angle = np.deg2rad(degrees)
    return (1, 0, 0, 0, float(np.cos(angle)), float(np.sin(angle)))


def image(
    centre=(0, 0, 0),
    orientation=AXIAL,
    *,
    size=(64, 64),
    spacing=(1.0, 1.0),
    number=1,
    series="1.2.3.4",
    study="1.2.3",
    description="AX T2",
    uid: str | None = None,
    **tags,
) -> Dataset:
    """One slice: `size` is width and height, `spacing` that of columns and rows in mm."""
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    width, height = size
    corner = (
        np.array(centre, float)
        - row * spacing[0] * (width - 1) / 2
        - column * spacing[1] * (height - 1) / 2
    )
    x, y = np.meshgrid(np.arange(width) * spacing[0], np.arange(height) * spacing[1])
    pixels = tissue(corner + x[..., None] * row + y[..., None] * column)

    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
    ds.SOPInstanceUID = uid or f"{series}.{number}"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.StudyInstanceUID = study
    ds.SeriesInstanceUID = series
    ds.SeriesDescription = description
    ds.InstanceNumber = number
    ds.ImageOrientationPatient = list(orientation)
    ds.ImagePositionPatient = [float(f"{value:.6f}") for value in corner]
    ds.PixelSpacing = [spacing[1], spacing[0]]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    set_pixels(ds, pixels)
    for keyword, value in tags.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def set_pixels(ds: Dataset, pixels: np.ndarray) -> None:
    """Put an H × W or frames × H × W array in."""
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.PixelData = pixels.astype("<u2").tobytes()


def axial_stack(heights, **options) -> list[Dataset]:
    """Slices at these heights in mm, numbered from 1 in this order."""
    return [
        image(centre=(0, 0, height), number=number, **options)
        for number, height in enumerate(heights, start=1)
    ]


def save(datasets: list[Dataset], folder: Path, name="{0.InstanceNumber}.dcm") -> Path:
    """Write files named by a format string over the dataset."""
    for ds in datasets:
        path = folder / name.format(ds)
        path.parent.mkdir(parents=True, exist_ok=True)
        ds.save_as(path, enforce_file_format=True)
    return folder


def moved(ds: Dataset, *, transpose=False, flip_x=False, flip_y=False) -> Dataset:
    """The same slice, stored the other way round, with its tags to match."""
    pixels = ds.pixel_array
    position = np.array(ds.ImagePositionPatient, float)
    row = np.array(ds.ImageOrientationPatient[:3], float)
    column = np.array(ds.ImageOrientationPatient[3:], float)
    down, across = (float(value) for value in ds.PixelSpacing)
    if transpose:
        pixels, row, column, down, across = pixels.T, column, row, across, down
    if flip_x:
        position = position + row * across * (pixels.shape[1] - 1)
        pixels, row = pixels[:, ::-1], -row
    if flip_y:
        position = position + column * down * (pixels.shape[0] - 1)
        pixels, column = pixels[::-1], -column
    ds.ImagePositionPatient = [float(f"{value:.6f}") for value in position]
    ds.ImageOrientationPatient = [float(f"{value:.6f}") for value in (*row, *column)]
    ds.PixelSpacing = [down, across]
    set_pixels(ds, pixels)
    return ds


def moved_point(x, y, size, *, transpose=False, flip_x=False, flip_y=False):
    """Where a point of a slice of `size` (width, height) lies in the moved one."""
    width, height = size
    if transpose:
        x, y, width, height = y, x, height, width
    return (width - 1 - x if flip_x else x), (height - 1 - y if flip_y else y)


def multi_frame(datasets: list[Dataset]) -> Dataset:
    """One enhanced multi-frame file of single slices."""
    first = datasets[0]
    ds = Dataset()
    ds.file_meta = first.file_meta
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesDescription"):
        setattr(ds, keyword, getattr(first, keyword))
    ds.InstanceNumber = 1
    for keyword in ("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated"):
        setattr(ds, keyword, getattr(first, keyword))
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 15, 0
    ds.NumberOfFrames = len(datasets)
    set_pixels(ds, np.stack([frame.pixel_array for frame in datasets]))
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([_with(PixelSpacing=first.PixelSpacing)])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        [
            _with(
                PlanePositionSequence=Sequence(
                    [_with(ImagePositionPatient=frame.ImagePositionPatient)]
                ),
                PlaneOrientationSequence=Sequence(
                    [_with(ImageOrientationPatient=frame.ImageOrientationPatient)]
                ),
            )
            for frame in datasets
        ]
    )
    return ds


def _with(**tags) -> Dataset:
    ds = Dataset()
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    return ds
