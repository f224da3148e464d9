"""The page 区域差距."""
