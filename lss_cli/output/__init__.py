"""Results as a table, CSV and JSON."""
