"""Streamlit pages: read the view state, ask data, compute with geo, draw with layers."""
