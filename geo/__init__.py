"""Pure spatial computation on frames and arrays; knows nothing of files, databases or screens."""
