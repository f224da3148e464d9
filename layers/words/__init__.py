"""Sentences about figures, by subject."""
