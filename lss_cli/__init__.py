"""Grades lumbar subarticular stenosis from axial T2 MRI, given one point per disc level."""

__version__ = "0.1.0"
