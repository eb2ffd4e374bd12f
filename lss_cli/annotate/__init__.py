"""Set points by clicking: a page in the browser, and the local server behind it."""
