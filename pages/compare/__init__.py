"""The pages 设区市对比 and 县域对比."""
