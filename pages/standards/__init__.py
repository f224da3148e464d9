"""The page 应配与缺口."""
