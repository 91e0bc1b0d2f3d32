"""What our own judges have in common: a prompt that a user may replace, with fenced texts, and a reply of a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from jinja2 import TemplateError
from pydantic import BaseModel

from harness.errors import ProviderError
from harness.parts.metrics.judges.fences import Fence, fenced, names_of, texts_of
from harness.parts.metrics.panel import Panel
from harness.parts.metrics.structured import instruction, reader
from harness.plugins import Asker, templates
from harness.records import Case, Message, digest

M = TypeVar("M", bound=BaseModel)

_SAMPLE: Mapping[str, Any] = {
    "question": "a question",
    "history": [{"role": "user", "content": "before"}, {"role": "assistant", "content": "a reply"}],
    "references": ["a reference"],
    "passages": [{"number": 1, "document": "a.md", "start": 0, "end": 1, "text": "a", "similarity": 0.5, "score": 1.0}],
    "context": "passages",
    "metadata": {},
    "tags": ["a"],
}
"""What every prompt may name, with a value to try it on."""
_FROM_PASSAGES = frozenset({"passages", "context"})


def shipped(name: str) -> str:
    """The text of a prompt that comes with the package."""
    path = Path(__file__).parent / "prompts" / f"{name}.md"
    return path.read_text(encoding="utf-8").rstrip("\n")


_GUARD = shipped("guard")


@dataclass(frozen=True)
class Judge(Panel):
    """A panel that gets one prompt, a Jinja template over the common names and those in `added`.

    A system message that no prompt can leave out says what is data and what form the reply has; what `identity_extra`
    gives of it makes a changed one a new version of the metric. A prompt that shows passages makes the metric read
    them.
    """

    reads: ClassVar[tuple[str, ...]] = ("answer",)
    form: ClassVar[type[BaseModel]]
    added: ClassVar[Mapping[str, Any]] = {"answer": "an answer"}
    prompt: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.prompt.strip():
            raise ValueError("prompt is empty; leave it out for the one that is shipped")
        names = self._names()
        if names <= {field.name for field in fields(self)} - _SAMPLE.keys():
            raise ValueError(f"prompt shows nothing of what is to be judged; name some of {_named(self.added)}")
        if "passages" not in self.reads and names & _FROM_PASSAGES:
            object.__setattr__(self, "reads", (*self.reads, "passages"))

    def _names(self) -> frozenset[str]:
        """What the prompt names. Raises ValueError for what it may not name, or what is no template."""
        sample = {**_SAMPLE, **self.added}
        found = templates.problems(self.prompt, tuple(sample))
        if found:
            raise ValueError("prompt: " + "; ".join(f"{what} ({todo})" if todo else what for what, todo in found))
        names = templates.names_in(self.prompt)
        if "metadata" not in names:  # what it holds, only a given example can tell
            templates.check("prompt", self.prompt, sample)
        return names

    def identity_extra(self) -> dict[str, Any]:
        """What the judge is told besides its prompt."""
        form = self.schema()
        return {"guard": _GUARD, "form": form, "instruction": digest(instruction(form))}

    def schema(self, case: Case | None = None) -> dict[str, Any]:
        """The JSON Schema of a reply: of one about `case`, where bounds depend on it."""
        return self.form.model_json_schema()

    async def verdict(
        self,
        case: Case,
        asker: Asker,
        model: Any,
        draw: int,
        *,
        texts: Mapping[str, str] | None = None,
        shown: Callable[[Fence], Mapping[str, Any]] | None = None,
        check: Callable[[Any], None] | None = None,
        **plain: Any,
    ) -> Any:
        """The model's reply, of the judge's form. `texts` (the answer, if not given) are fenced, `plain` values not.

        `shown` gives values that hold pieces of the answer within a fence.
        `check` raises ValueError for a reply of the right form that cannot be right. Raises ProviderError.
        """
        passages = case.passages if "passages" in self.reads else ()
        texts = {"answer": case.answer} if texts is None else texts
        fence = Fence.around([*texts_of(case.example, passages), *texts.values()], names_of(case.example, passages))
        values = {**fenced(fence, case.example, passages, texts), **(shown(fence) if shown else {}), **plain}
        messages = self._messages(values, fence, self.schema(case))
        read = reader(self.form)

        def checked(text: str) -> Any:
            found = read(text)
            if check is not None:
                check(found)
            return found

        return await asker.ask(model, messages, self.sampling, checked, draw=draw)

    def _messages(self, values: Mapping[str, Any], fence: Fence, schema: Mapping[str, Any]) -> list[Message]:
        try:
            prompt = templates.render(self.prompt, values)
        except TemplateError as error:
            raise ProviderError(f"the prompt cannot be filled for this example: {error}", kind="template") from error
        guard = templates.render(_GUARD, {"code": fence.code})
        return [Message("system", f"{guard}\n\n{instruction(schema)}"), Message("user", prompt)]


def _named(added: Mapping[str, Any]) -> str:
    """The names of what may be judged, as a template has them."""
    texts = [name for name in added if name in ("answer", "first", "second", "citations")]
    return ", ".join(f"{{{{ {name} }}}}" for name in (*texts, *_SAMPLE))


def numbered(entries: Sequence[int], count: int, what: str) -> None:
    """Raise ValueError unless the numbers of entries in a reply are 1 to `count`, each once."""
    if sorted(entries) != list(range(1, count + 1)):
        found = ", ".join(map(str, entries)) or "none"
        raise ValueError(f"it must hold each {what} from 1 to {count} once, found {found}")
