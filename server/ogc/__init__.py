"""OGC API – Features and Tiles of the exported layers, below ``/ogc``."""
