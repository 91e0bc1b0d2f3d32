"""Heavy libraries are imported when they are asked, not before."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = "openai anthropic litellm tiktoken chromadb pandas scipy langchain_text_splitters sentence_transformers"
MAKE = "from harness.plugins import make; "


@pytest.mark.parametrize(
    "code",
    [
        "import harness.plugins; harness.plugins.load_built_ins()",
        MAKE + "make('model', 'openai/gpt-5').parameters({'max_tokens': 5})",
        MAKE + "make('model', 'anthropic/claude-opus-4-7').parameters({'max_tokens': 5})",
        MAKE + "make('model', 'ollama/llama3.2').parameters({'temperature': 0.5})",
        MAKE + "make('model', 'gemini/x').environment; make('embedder', 'voyage/x').environment",
        MAKE + "make('embedder', 'sentence-transformers/x'); make('model', 'local/extractive').connect()",
    ],
)
def test_no_heavy_library_is_imported_before_it_is_asked(code: str) -> None:
    """Loading the parts, making them and checking their settings imports none of the heavy libraries."""
    check = f"import sys; print(*[name for name in '{HEAVY}'.split() if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{check}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
