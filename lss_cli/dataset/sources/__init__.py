"""Where labels, points and images come from."""
