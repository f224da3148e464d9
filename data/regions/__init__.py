"""The regions and their people: boundaries, seats, census counts, the population grid."""
