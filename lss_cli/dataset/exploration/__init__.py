"""What is in the data: counts, figures, and a page that shows them."""
