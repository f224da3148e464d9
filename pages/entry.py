"""One page view: navigation, the shared frame, then the page itself; `pages/start/script.py` calls it."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

from geo.errors import StoreError, SutuError
from layers.assets import own_folder
from pages.navigation import navigation
from pages.shared import components, notices, state

_log = logging.getLogger(__name__)


def main() -> None:
    """Draw one page view; what a user can mend is said in words, never as a stack of calls."""
    st.set_page_config(page_title="苏图", layout="wide", initial_sidebar_state="auto")
    st.logo(str(own_folder() / "logo.svg"), size="large", icon_image=str(own_folder() / "mark.svg"))
    state.begin()
    # Folded, Streamlit would offer the rest in English and out of sight.
    page = st.navigation(navigation(), expanded=True)
    try:
        page.run()
    except StoreError as fault:
        notices.store_missing(fault)
    except SutuError as fault:
        st.error(components.plain(str(fault)), icon=":material/error:")
    except Exception:
        # A fault of ours: the log keeps it whole, the page a number to find it by.
        number = secrets.token_hex(4)
        _log.exception("页面出错 %s", number)
        notices.broken(number)
    else:
        state.finish()
