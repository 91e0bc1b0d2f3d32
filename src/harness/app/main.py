"""The entry: who may look, which page."""

from __future__ import annotations

import streamlit as st

from harness.app import address, frame

st.set_page_config(page_title="harness", layout="wide", initial_sidebar_state="collapsed")
page = frame.navigation()
address.one_step()
if frame.admitted():
    frame.styled()
    page.run()
