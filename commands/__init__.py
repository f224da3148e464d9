"""The commands of ``sutu``, one module per group; `cli` puts them together."""
