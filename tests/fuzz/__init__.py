"""A seeded fuzzer over every door for files: see ``python -m tests.fuzz --help``."""
