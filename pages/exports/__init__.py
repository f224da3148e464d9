"""The page 图层导出."""
