"""Buttons that are pressed by a key, and what keeps a key that is held down from replying to what nobody has read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

SOON_S = 0.4
"""Seconds for which nobody can reply to what has just come into view."""
_SEEN = "_keys_seen"
NO_REPEATS = """<script>
if (!window.harnessKeys) {
    window.harnessKeys = true;
    const written = "input, textarea, select, [contenteditable]";
    const stop = event => {
        if (event.repeat && !event.target.closest?.(written)) event.stopImmediatePropagation();
    };
    window.addEventListener("keydown", stop, true);
}
</script>"""
"""Streamlit takes each repetition of a key that is held down for a press of its own."""


def once() -> None:
    """Let a key that is held down count once; for the whole page."""
    st.html(NO_REPEATS, unsafe_allow_javascript=True)


def button(label: str, name: str, shortcut: str, on_click: Callable[..., None], *args: Any, **options: Any) -> None:
    """A button with a key. `name` must be another one for each thing that is replied to.

    A click that is still on its way when that has gone then meets nothing.
    """
    st.button(label, key=name, shortcut=shortcut.upper(), on_click=on_click, args=args, **options)


def seen(what: str) -> None:
    """Say what is in view."""
    if st.session_state.get(_SEEN, ("", 0.0))[0] != what:
        st.session_state[_SEEN] = (what, time.monotonic())


def hurried() -> bool:
    """Whether a key comes too soon after the last, as one does that is held down; then the time begins anew."""
    what, since = st.session_state.get(_SEEN, ("", 0.0))
    now = time.monotonic()
    if now - since >= SOON_S:
        return False
    st.session_state[_SEEN] = (what, now)
    return True
