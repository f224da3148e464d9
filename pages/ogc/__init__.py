"""OGC API – Features: our layers by URL, read-only, through pygeoapi."""
