"""The entry: who may look, which page."""

from __future__ import annotations

import streamlit as st

from harness.app import frame, scripts

st.set_page_config(page_title="harness", layout="wide", initial_sidebar_state="collapsed")
page = frame.navigation()
scripts.run()
if frame.admitted():
    frame.styled()
    page.run()
