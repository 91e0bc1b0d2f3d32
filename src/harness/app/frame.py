"""What every page stands in: navigation, the store, who may look, texts of others, failures, downloads."""

from __future__ import annotations

import hmac
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import streamlit as st
from markupsafe import Markup, escape

from harness.app.settings import IDENTITY, PASSWORD, READ_ONLY, RUNS
from harness.errors import HarnessError
from harness.plugins.addresses import is_this_machine
from harness.store import Folder
from harness.study.report.texts import visible

if TYPE_CHECKING:
    import pandas as pd

PAGES: tuple[tuple[str, str], ...] = (
    ("sweeps", "Sweeps"),
    ("sweep", "Sweep"),
    ("compare", "Compare"),
    ("example", "Example"),
    ("retrieval", "Retrieval"),
    ("regression", "Regression"),
    ("registry", "Registry"),
    ("label", "Label"),
    ("playground", "Playground"),
)
"""File below `views/` (and word in the address), title. A page whose file is not there is left out.

They have no icons: Streamlit would load those of pages from a server elsewhere.
"""
_FOLDER = Path(__file__).parent / "views"  # not `pages`: Streamlit would run such files without the entry
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]*:(?=/)|www(?=\.)|(?<=\S)@(?=\S)")
_WRONG_S = 1.0
_STYLE = """<style>
.h-text {white-space: pre-wrap; overflow-wrap: anywhere; margin: 0}
.h-own {background: rgba(230, 159, 0, .28); border-bottom: 2px solid #b87a00}
.h-hit {background: rgba(0, 114, 178, .26); border-bottom: 2px solid #0072b2}
.h-miss {background: rgba(213, 94, 0, .26); border-bottom: 2px dashed #d55e00}
.h-big {font-size: 1.25rem; font-weight: 600}
.h-name {font-weight: 600}
.h-head {padding: .4rem 0 0 0; overflow-wrap: anywhere; font-size: 1.75rem}
.h-noise {background: rgba(128, 128, 128, .18)}
.h-gap, .h-soft {opacity: .8; font-size: .9em}
[data-testid="stCaptionContainer"] {opacity: 1; color: inherit}
[data-testid="stCaptionContainer"] p {opacity: .8; color: inherit}
</style>"""


def navigation() -> Any:
    """The pages that there are, by file."""
    here = [(name, title) for name, title in PAGES if (_FOLDER / f"{name}.py").exists()]
    pages = [
        st.Page(_FOLDER / f"{name}.py", title=title, url_path=name, default=i == 0)
        for i, (name, title) in enumerate(here)
    ]
    return st.navigation(pages, position="top")


def page_file(name: str) -> Path:
    """A page's file, for links."""
    return _FOLDER / f"{name}.py"


def runs() -> str:
    """The folder of runs that the dashboard was opened on."""
    return os.environ.get(RUNS) or "runs"


def admitted() -> bool:
    """Whether this person may look; asks for the password where there is one."""
    header, password = os.environ.get(IDENTITY), os.environ.get(PASSWORD)
    if header:
        if not st.context.headers.get(header):
            st.error(f"This dashboard is reached through a proxy that sets {plain(header)}; this request had none.")
        return bool(st.context.headers.get(header))
    if not password:
        return _of_this_machine()
    if st.session_state.get("_admitted"):
        return True
    with st.form("password"):
        given = st.text_input("Password", type="password", autocomplete="current-password")
        if st.form_submit_button("Enter") and given:
            if hmac.compare_digest(given.encode(), password.encode()):
                st.session_state["_admitted"] = True
                st.rerun()
            time.sleep(_WRONG_S)
            st.error("That is not the password.")
    return False


def _of_this_machine() -> bool:
    """Whether the page was asked for by a name of this machine: another one's name could have been pointed at it."""
    host = str(st.context.headers.get("Host") or "localhost")
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    if is_this_machine(name):
        return True
    st.error(
        f"This dashboard is for this machine alone, and was asked for as {plain(host[:200])}. Open it as localhost, or "
        f"start it with a password ({PASSWORD}) or --identity-header."
    )
    return False


def identity() -> str:
    """Who looks, as the proxy says; empty without one."""
    header = os.environ.get(IDENTITY)
    return str(st.context.headers.get(header) or "") if header else ""


def may_write() -> str:
    """Why pages may not write into the folder of runs; empty where they may."""
    if os.environ.get(READ_ONLY):
        return "this dashboard was opened with `--read-only`"
    folder = Folder(runs())
    if not folder.is_local:
        return ""  # a store tells by refusing: asking would be a write
    there = next(each for each in (folder.path, *folder.path.absolute().parents) if each.exists())
    return "" if os.access(there, os.W_OK) else "the folder of runs cannot be written by the user who opened this"


def plain(text: str) -> str:
    """A text of others for a place that reads Markdown: it is shown as it is, and does nothing.

    Addresses that stand by themselves would become links: a joiner of no width keeps them from it.
    """
    apart = _ADDRESS.sub("\\g<0>\u2060", visible(text))
    return _PUNCTUATION.sub(r"\\\1", apart).replace("\n", "  \n")


def text(content: str, kind: str = "") -> None:
    """A text of others, escaped; `kind` is a class of the style."""
    st.html(Markup('<p class="h-text {}">{}</p>').format(kind, visible(content)))


def pieces(parts: Sequence[tuple[str, str]], label: str = "") -> None:
    """A text in pieces, each with its class (empty: none), escaped."""
    body = Markup("").join(
        Markup('<span class="{}">{}</span>').format(kind, visible(part)) if kind else escape(visible(part))
        for kind, part in parts
    )
    st.html(Markup('<p class="h-text" aria-label="{}">{}</p>').format(label, body))


def styled() -> None:
    """Bring in the style of marked texts; once per page."""
    st.html(_STYLE)


def empty(what: str, advice: str) -> None:
    """There is nothing to show: what is missing, and what to do."""
    st.info(f"**{what}** {advice}", icon=":material/info:")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Show why a part of a page cannot be shown, in its place; the rest of the page stands."""
    try:
        yield
    except HarnessError as error:
        st.error(f"{what} cannot be shown: {plain(str(error))}")
    except Exception as error:  # noqa: BLE001  (a folder may hold anything: the page says so and goes on)
        said = plain(f"{type(error).__name__}: {error}"[:500])
        st.error(
            f"{what} cannot be shown ({said}): the folder lacks what this version reads, or this is a bug of ours."
        )


def download(frame: pd.DataFrame, name: str, key: str) -> None:
    """A button that gives a table as CSV; cells that a spreadsheet would run begin with an apostrophe."""
    st.download_button(
        "Download CSV",
        data=lambda: as_csv(frame),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv-{key}",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


def as_csv(frame: pd.DataFrame) -> bytes:
    """The frame as CSV in UTF-8."""
    guarded = frame.rename(columns=_harmless)
    for name in guarded.columns:
        if not hasattr(guarded[name].dtype, "kind") or guarded[name].dtype.kind not in "ifb":
            guarded[name] = [_harmless(value) for value in guarded[name]]
    return guarded.to_csv(index=False).encode("utf-8", "replace")


def _harmless(value: Any) -> Any:
    risky = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if risky else value


def table(frame: pd.DataFrame, key: str, name: str, **options: Any) -> Any:
    """A table with its download; `options` are those of st.dataframe. Empty cells are empty."""
    found = st.dataframe(frame, key=key, hide_index=True, placeholder="", **options)
    download(frame, name, key)
    return found


def link(page: str, label: str, **query: str) -> None:
    """A link to a page of ours with its state."""
    st.page_link(page_file(page), label=plain(label), query_params=query)


def heading(name: str) -> None:
    """The page's title, which may be a text of others."""
    st.html(Markup('<h1 class="h-head">{}</h1>').format(visible(name)))
