"""From prepared data to a model file; the only room that imports TensorFlow."""
