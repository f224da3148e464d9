"""Layers are defined once (frame, style, legend, provenance) and drawn everywhere."""
