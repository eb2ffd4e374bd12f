"""Synthetic lumbar anatomy with known stenosis, written as DICOM studies in RSNA's layout."""
