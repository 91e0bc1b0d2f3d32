"""What every page does in the browser besides Streamlit. Constants: no text of others is ever part of them."""

from __future__ import annotations

import streamlit as st

ONE_STEP = """<script>
if (!window.harnessSteps) {
    window.harnessSteps = true;
    const push = history.pushState;
    history.pushState = function (state, title, url) {
        const same = new URL(url ?? location.href, location.href).pathname === location.pathname;
        return same ? history.replaceState(state, title, url) : push.call(history, state, title, url);
    };
}
</script>"""
"""Streamlit takes each word of the address that a page writes for a step; going back would need as many."""
MENU_CLOSES = """<script>
if (!window.harnessMenu) {
    window.harnessMenu = true;
    document.addEventListener("click", event => {
        if (innerWidth < 768 && event.target.closest?.("[data-testid=stSidebarNavLink]"))
            document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
    });
}
</script>"""
"""On a phone the menu lies over the page, and Streamlit leaves it there when a page was chosen."""


def run() -> None:
    """Let them run; for the whole page."""
    for script in (ONE_STEP, MENU_CLOSES):
        st.html(script, unsafe_allow_javascript=True)
