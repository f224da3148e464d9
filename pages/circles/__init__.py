"""The page 15分钟服务圈."""
