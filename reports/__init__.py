"""Briefings: what they say of a region, and the documents they are written as."""
