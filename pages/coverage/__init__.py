"""The page 设施覆盖."""
