"""Readers: every file that a person hands over is opened by a process of its own that can do nothing else."""
