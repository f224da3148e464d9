"""The page 规划目标."""
