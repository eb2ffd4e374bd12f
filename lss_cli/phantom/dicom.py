"""Phantom slices as DICOM MR images."""

import datetime
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, ExplicitVRLittleEndian, MRImageStorage

from lss_cli.phantom.image import Pixels
from lss_cli.phantom.study import Phantom, Series, Slice

# UIDs end in the number of the study's or series' folder, as RSNA's do. The root is pydicom's,
# which is open to what pydicom writes and under which it makes UIDs of one further component:
# these have two or more. "2.25" would not do, a UUID being all that may follow it.
UID_ROOT = "1.2.826.0.1.3680043.8.498"


def study_uid(phantom: Phantom) -> str:
    """StudyInstanceUID."""
    return f"{UID_ROOT}.1338.{phantom.study_id}"


def series_uid(phantom: Phantom, series: Series) -> str:
    """SeriesInstanceUID."""
    return f"{study_uid(phantom)}.{series.series_id}"


def slice_dataset(phantom: Phantom, series: Series, one: Slice, pixels: Pixels) -> Dataset:
    """One slice as a complete MR image, file meta information included."""
    data = Dataset()
    _say_whose(data, phantom)
    _say_how(data, series)
    data.StudyInstanceUID = study_uid(phantom)
    data.SeriesInstanceUID = series_uid(phantom, series)
    data.FrameOfReferenceUID = f"{study_uid(phantom)}.1"
    data.SOPClassUID = MRImageStorage
    data.SOPInstanceUID = f"{data.SeriesInstanceUID}.{one.instance_number}"
    data.InstanceNumber = one.instance_number
    data.ImagePositionPatient = [*one.plane.position]
    data.ImageOrientationPatient = [*one.plane.along_row, *one.plane.along_column]
    data.PixelSpacing = [one.plane.spacing, one.plane.spacing]
    data.SliceThickness = series.scanner.thickness
    _hold(data, pixels)
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    # Fixed, so that a seed gives the same bytes under every version of pydicom.
    data.file_meta.ImplementationVersionName = "LSS_PHANTOM"
    return data


def write_study(phantom: Phantom, folder: Path) -> None:
    """Write ``<series>/<instance>.dcm`` for every slice of a study into `folder`."""
    for series in phantom.series:
        place = folder / str(series.series_id)
        place.mkdir(parents=True)
        for one, pixels in phantom.pictures(series):
            dcmwrite(
                place / f"{one.instance_number}.dcm",
                slice_dataset(phantom, series, one, pixels),
                enforce_file_format=True,
            )


def _say_whose(data: Dataset, phantom: Phantom) -> None:
    """Patient, study and equipment."""
    day = datetime.date(2020, 1, 1) + datetime.timedelta(days=phantom.study_id % 1461)
    data.PatientName = f"PHANTOM^{phantom.key[1] + 1:04d}"
    data.PatientID = str(phantom.study_id)
    data.PatientBirthDate = ""
    data.PatientSex = "O"
    data.StudyDate = data.SeriesDate = data.ContentDate = data.AcquisitionDate = f"{day:%Y%m%d}"
    data.StudyTime = data.SeriesTime = data.ContentTime = data.AcquisitionTime = "120000"
    data.StudyID = str(phantom.key[1] + 1)
    data.AccessionNumber = ""
    data.ReferringPhysicianName = ""
    data.StudyDescription = "Synthetic lumbar spine"
    data.Manufacturer = "lss phantom"
    data.PositionReferenceIndicator = ""


def _say_how(data: Dataset, series: Series) -> None:
    """Series and acquisition."""
    scanner = series.scanner
    data.Modality = "MR"
    data.SeriesNumber = series.number
    data.SeriesDescription = series.name
    data.ProtocolName = series.name
    data.BodyPartExamined = "LSPINE"
    data.PatientPosition = "HFS"
    data.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    data.AcquisitionNumber = 1
    data.ScanningSequence = "SE"
    data.SequenceVariant = "SK"
    data.ScanOptions = ""
    data.MRAcquisitionType = "2D"
    data.RepetitionTime = scanner.repetition_time
    data.EchoTime = scanner.echo_time
    data.EchoTrainLength = 15
    data.MagneticFieldStrength = scanner.field_strength


def _hold(data: Dataset, pixels: Pixels) -> None:
    """The pixels, 12 bits each, and a window that shows them."""
    low, high = np.percentile(pixels, (1, 99.5))
    data.WindowCenter = round(float(low + high) / 2)
    data.WindowWidth = max(1, round(float(high - low)))
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated = 16
    data.BitsStored = 12
    data.HighBit = 11
    data.PixelRepresentation = 0
    data.PixelData = pixels.astype("<u2").tobytes()
