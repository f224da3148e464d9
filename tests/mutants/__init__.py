"""Mutation testing: small faults put into the code one by one, which the nearest tests must notice."""
