"""A model makes a question of a follow-up that can be understood alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.parts.queries.asking import Asking, lines_of
from harness.plugins import Ask, part
from harness.records import Lookup, Query

_PROMPT = """\
Below is a conversation between a user and an assistant, and the user's next message. Rewrite that message as one \
question that can be understood without the conversation: put names in place of words such as "it" or "that one", and \
add what the message leaves unsaid. Keep its language and its meaning; do not answer it. If it can be understood \
alone, repeat it as it is. Write the question and nothing else.

Conversation:
{% for message in history %}{{ message.role }}: {{ message.content }}
{% endfor %}
Next message: {{ question }}

Question:"""


@part("query", "rewrite")
@dataclass(frozen=True)
class Rewrite(Asking):
    """A model writes a follow-up anew so that it stands alone; where nothing was said before, nobody is asked.

    `prompt` may name `question` and `history`, whose messages have `role` and `content`. Where the model writes
    nothing, the question is taken as it is.
    """

    reads_history: ClassVar[bool] = True
    sample: ClassVar[Mapping[str, Any]] = {
        "question": "a question",
        "history": [{"role": "user", "content": "before"}, {"role": "assistant", "content": "a reply"}],
    }
    prompt: str = _PROMPT

    async def lookups(self, query: Query, ask: Ask) -> list[Lookup]:
        """The stand-alone question."""
        if not query.history:
            return [Lookup(query.question)]
        lines = lines_of(await self.reply(query, ask, history=query.history))
        return [Lookup(" ".join(lines) or query.question)]
