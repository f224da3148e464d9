"""What leaves: the catalogue of layers, the formats, packages, map sheets."""
