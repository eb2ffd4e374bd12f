"""Training of the networks that find landmarks."""
