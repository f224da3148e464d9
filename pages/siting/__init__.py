"""The page 选址优化."""
