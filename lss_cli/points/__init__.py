"""Points on disc levels, read from tables and written to them."""
