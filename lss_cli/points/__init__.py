"""Points on discs, in and out."""
