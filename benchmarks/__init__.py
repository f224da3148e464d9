"""Side-by-side runs with peers on the same work, reported as ratios."""
