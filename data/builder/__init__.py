"""Makes the store from the packaged facts and the imports."""
