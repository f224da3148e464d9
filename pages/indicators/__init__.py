"""The page 指标地图."""
