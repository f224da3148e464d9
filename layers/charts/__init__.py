"""Charts, by the subject they show."""
