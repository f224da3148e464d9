"""Files that try to do more than be read, and what watches an import of them."""
