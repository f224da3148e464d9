"""The pages 走廊与轴带 and 铁路时序."""
