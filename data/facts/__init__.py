"""Packaged facts (CSV), each table described in README.md of this folder."""
