"""Phantom slices as DICOM MR images."""

import datetime
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, ExplicitVRLittleEndian, MRImageStorage

from lss_cli.phantom.image import Pixels
from lss_cli.phantom.study import Phantom, PhantomSeries, PhantomSlice

# UIDs end in the number of the study's or series' folder, as RSNA's do. The root is pydicom's,
# which is open to what pydicom writes and under which it makes UIDs of one further component:
# these have two or more. "2.25" would not do, a UUID being all that may follow it.
UID_ROOT = "1.2.826.0.1.3680043.8.498"


def study_uid(phantom: Phantom) -> str:
    """StudyInstanceUID."""
    return f"{UID_ROOT}.1338.{phantom.study_id}"


def series_uid(phantom: Phantom, series: PhantomSeries) -> str:
    """SeriesInstanceUID."""
    return f"{study_uid(phantom)}.{series.series_id}"


def slice_dataset(
    phantom: Phantom, series: PhantomSeries, slice_: PhantomSlice, pixels: Pixels
) -> Dataset:
    """One slice as a complete MR image, file meta information included."""
    data = Dataset()
    _set_patient(data, phantom)
    _set_acquisition(data, series)
    data.StudyInstanceUID = study_uid(phantom)
    data.SeriesInstanceUID = series_uid(phantom, series)
    data.FrameOfReferenceUID = f"{study_uid(phantom)}.1"
    data.SOPClassUID = MRImageStorage
    data.SOPInstanceUID = f"{data.SeriesInstanceUID}.{slice_.instance_number}"
    data.InstanceNumber = slice_.instance_number
    data.ImagePositionPatient = [*slice_.plane.position]
    data.ImageOrientationPatient = [*slice_.plane.row_cosine, *slice_.plane.column_cosine]
    data.PixelSpacing = [slice_.plane.spacing, slice_.plane.spacing]
    data.SliceThickness = series.scanner.thickness
    _set_pixels(data, pixels)
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
        series_folder = folder / str(series.series_id)
        series_folder.mkdir(parents=True)
        for slice_, pixels in phantom.pictures(series):
            dcmwrite(
                series_folder / f"{slice_.instance_number}.dcm",
                slice_dataset(phantom, series, slice_, pixels),
                enforce_file_format=True,
            )


def _set_patient(data: Dataset, phantom: Phantom) -> None:
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


def _set_acquisition(data: Dataset, series: PhantomSeries) -> None:
    """Series and acquisition."""
    scanner = series.scanner
    data.Modality = "MR"
    data.SeriesNumber = series.series_number
    data.SeriesDescription = series.description
    data.ProtocolName = series.description
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


def _set_pixels(data: Dataset, pixels: Pixels) -> None:
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
