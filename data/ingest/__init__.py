"""The doors: people's files become validated tables, or a list of faults."""
