"""One page view: navigation, the shared frame, then the page itself; `pages/start/script.py` calls it."""

from __future__ import annotations

import streamlit as st

from geo.errors import StoreError, SutuError
from layers.assets import own_folder
from pages import components, state
from pages.navigation import navigation


def main() -> None:
    """Draw one page view; what a user can mend is said in words, never as a stack of calls."""
    st.set_page_config(page_title="苏图", layout="wide", initial_sidebar_state="auto")
    st.logo(str(own_folder() / "logo.svg"), size="large", icon_image=str(own_folder() / "mark.svg"))
    state.begin()
    page = st.navigation(navigation())
    try:
        page.run()
    except StoreError as fault:
        components.store_missing(fault)
    except SutuError as fault:
        st.error(components.plain(str(fault)), icon=":material/error:")
    else:
        state.finish()
