"""Points proposed from the images: discs on sagittal pictures, recesses on axial ones."""
