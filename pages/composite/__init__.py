"""The page 综合指数."""
