"""How things look: pages, plots and tables."""
