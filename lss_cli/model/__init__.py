"""The .onnx file: what it says of itself, finding it, checking it, running it."""
