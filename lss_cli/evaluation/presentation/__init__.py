"""Evaluations and comparisons as tables, files, plots and pages."""
