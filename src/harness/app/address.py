"""The page's address and the browser's way back."""

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


def one_step() -> None:
    """Let each page be one step of the browser's way back, whatever is chosen in it."""
    st.html(ONE_STEP, unsafe_allow_javascript=True)
