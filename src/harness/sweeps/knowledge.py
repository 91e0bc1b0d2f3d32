"""What is kept of the knowledge base that a run was evaluated with, and what that tells of another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.records import Corpus

Place = tuple[str, int, int]
"""Document, start, end."""
_NAMED = 8


@dataclass(frozen=True)
class Knowledge:
    """The numbers of documents and characters (None: not known), and the texts of passages that the run was given.

    Documents are not kept, nor digests of each: only passages can tell which of them changed.
    """

    documents: int | None
    characters: int | None
    passages: Callable[[], Mapping[Place, str]]

    def difference(self, corpus: Corpus) -> str:
        """What can be told of how a corpus with another digest differs."""
        now = len(corpus.documents), sum(len(document.text) for document in corpus.documents)
        counts = f"{_counts(self.documents, self.characters)} then, {_counts(*now)} now"
        gone, other = self._found_in_passages(corpus)
        said = [f"{_listed(names)} {what}" for names, what in ((other, "changed"), (gone, "gone")) if names]
        if said:
            return f"{'; '.join(said)}, as far as the passages of the run tell; {counts}"
        return f"which documents differ is not kept, and the passages of the run do not tell; {counts}"

    def _found_in_passages(self, corpus: Corpus) -> tuple[list[str], list[str]]:
        """The documents that are gone, and those that read otherwise where a passage was."""
        gone, other = set(), set()
        for (name, start, end), text in self.passages().items():
            document = corpus.by_id.get(name)
            if document is None:
                gone.add(name)
            elif document.text[start:end] != text:
                other.add(name)
        return sorted(gone), sorted(other)


def _counts(documents: int | None, characters: int | None) -> str:
    if documents is None or characters is None:
        return "an unknown number of documents"
    return f"{documents:,} document{'' if documents == 1 else 's'} with {characters:,} characters"


def _listed(names: list[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
