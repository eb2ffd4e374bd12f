"""From labels, points and images to training data."""
