"""The layers of the catalogue, by what they show."""
