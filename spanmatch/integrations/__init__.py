"""Other software: models in ONNX."""
