"""A DICOM node: studies come in, are graded, and results go back to the archive."""
