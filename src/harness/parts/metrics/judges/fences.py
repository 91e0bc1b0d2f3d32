"""Texts of strangers in a prompt: each between tags that it cannot close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from harness.records import Example, Message, Passage, digest

_DIGITS = 12


@dataclass(frozen=True)
class Fence:
    """Tags that end in a code made of all texts that they are to hold, so that none of the texts can name it.

    Equal texts give equal tags, so that an equal question to a judge is known from before. A text that held the code
    would have to hold a digest of itself; one that does by chance gives another code.
    """

    code: str

    @classmethod
    def around(cls, texts: Sequence[str], beside: Sequence[str] = ()) -> Fence:
        """The fence for these texts. What stands `beside` them in a prompt cannot name the code either."""
        number = 0
        while any((code := digest("fence", number, texts)[:_DIGITS]) in text for text in (*texts, *beside)):
            number += 1
        return cls(code)

    def of(self, kind: str, text: str, attributes: str = "") -> str:
        """The text within its tags; nothing where it says nothing, so that a template can ask whether it is there."""
        if not text.strip():
            return ""
        tag = f"{kind}_{self.code}"
        return f"<{tag}{attributes}>\n{text}\n</{tag}>"

    def message(self, message: Message) -> dict[str, str]:
        """A turn of a conversation as a template sees it."""
        return {"role": message.role, "content": self.of("message", message.content)}

    def passage(self, number: int, passage: Passage) -> dict[str, Any]:
        """A passage as a template sees it; 1 is the best."""
        fields = {name: getattr(passage, name) for name in ("start", "end", "similarity", "score")}
        texts = {
            "document": self.of("document", passage.document),
            "text": self.of("passage", passage.text, f' number="{number}"'),
        }
        return {"number": number, **fields, **texts}


def texts_of(example: Example, passages: Sequence[Passage]) -> list[str]:
    """The texts of an example and of passages that a template may show."""
    return [
        *(message.content for message in example.messages),
        *example.references,
        *(passage.text for passage in passages),
    ]


def names_of(example: Example, passages: Sequence[Passage]) -> list[str]:
    """What else of them a template may show: names of documents, tags, and whatever the metadata holds, as JSON."""
    metadata = orjson.dumps(example.metadata, option=orjson.OPT_NON_STR_KEYS, default=str).decode()
    return [*(passage.document for passage in passages), *example.tags, metadata]


def fenced(fence: Fence, example: Example, passages: Sequence[Passage], added: Mapping[str, str]) -> dict[str, Any]:
    """What a template may name; every text of the conversation and of the knowledge base is within its tags.

    `metadata` and `tags` are as the dataset has them: prompts decide by them, and they may hold what the judge is to go
    by, such as a goal. `added` are texts by their name.
    """
    shown = [fence.passage(number, passage) for number, passage in enumerate(passages, 1)]
    return {
        "question": fence.of("question", example.question),
        "history": [fence.message(message) for message in example.messages[:-1]],
        "references": [fence.of("reference", text) for text in example.references if text.strip()],
        "passages": shown,
        "context": "\n".join(passage["text"] for passage in shown if passage["text"]),
        "metadata": example.metadata,
        "tags": list(example.tags),
        **{name: fence.of(name, text) for name, text in added.items()},
    }
