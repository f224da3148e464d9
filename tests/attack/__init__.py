"""The heavy hostile files, the attacks under strace, the long fuzz: ``python -m tests.attack``."""
