"""Analyses: one for page, command, report and URL; each asks the store, `geo` computes."""
