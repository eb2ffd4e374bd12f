"""DICOM in: a folder of files becomes a study of series, stacks and slices."""
