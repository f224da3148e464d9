"""The page 供需匹配."""
