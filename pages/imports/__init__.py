"""The page 数据导入."""
