"""The report as one HTML file that loads nothing and runs nothing of what it shows."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.study.report import amounts, figures, tables
from harness.study.report.texts import visible

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_SECTIONS = (
    ("ranking", "Ranking"),
    ("effects", "Effects"),
    ("front", "Cost and latency"),
    ("tags", "By tag"),
    ("baseline", "Against the baseline"),
    ("changes", "Changed examples"),
    ("failures", "Failures"),
    ("work", "Costs"),
    ("metrics", "Metrics"),
    ("origin", "Provenance"),
)


def html(content: dict[str, Any]) -> str:
    """The page of a report's content (see `harness.study.report.content.content_of`).

    All that comes from data is escaped. Should something slip through, the page's policy lets nothing run but its own
    script, named by its digest, and nothing load.
    """
    from markupsafe import Markup

    style, script = (_asset(name) for name in ("style.css", "page.js"))
    effects, front, tags = content["effects"], content["front"], content["tags"]
    first, rest = tables.ranking_tables(content["ranking"])
    return (
        _environment()
        .get_template("report.html")
        .render(
            c=content,
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
            sections=_SECTIONS,
            ranking_chart=figures.ranking_chart(content["ranking"]),
            ranking_table=first,
            ranking_rest=rest,
            metrics_table=tables.metrics_table(content["ranking"]),
            shares_chart=None if effects["note"] else figures.shares_chart(effects),
            level_charts=[] if effects["note"] else figures.level_charts(effects, content["ranking"]["unit"]),
            differences_table=None if effects["note"] else tables.differences_table(effects),
            front_charts=[] if front["note"] else figures.front_charts(front, content["ranking"]["unit"]),
            front_tables=None if front["note"] else tables.front_tables(front),
            tags_chart=None if tags["note"] else figures.tags_chart(tags),
            tags_table=None if tags["note"] else tables.tags_table(tags),
            pairs_table=None if content["baseline"]["note"] else tables.pairs_table(content["baseline"]),
            work_table=tables.work_table(content["work"]),
            about_table=tables.about_table(content["metrics"]),
            origin=origin_rows(content["origin"]),
        )
    )


def origin_rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What is known of a report's origin, each with its name."""
    git, dataset, corpus, machine = found["git"], found["dataset"], found["corpus"], found["machine"]
    where = f", where {dataset['where']}" if dataset.get("where") else ""
    memory = machine.get("memory_bytes")
    rows = [
        ("When", f"{found['created']}" + ("" if found["wall_s"] is None else f", {amounts.number(found['wall_s'])} s")),
        ("Who", found["by"] or "not recorded"),
        ("Dataset", f"{dataset['path']}{where}: {dataset['examples']:,} examples, digest {dataset['digest']}"),
        ("Corpus", _corpus(corpus) if corpus else "none"),
        ("Sweep file", f"{found['config_path']}" + "".join(f" --set {text}" for text in found["overrides"])),
        ("Limited to", f"{found['limit']:,} examples" if found["limit"] else "all examples"),
        ("Seed, repeats", f"{found['seed']}, {found['repeats']}"),
        ("Commit", _commit(git)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items()) or "not recorded"),
        (
            "Machine",
            ", ".join(str(machine[name]) for name in ("platform", "implementation") if machine.get(name))
            + (f", {machine['cores']} cores" if machine.get("cores") else "")
            + (f", {memory / 2**30:.0f} GiB" if memory else ""),
        ),
        ("Labels by people", amounts.count(found["labels"])),
    ]
    rows += [
        ("Scores added", f"{p['time'] or 'time not recorded'} by {p['by'] or 'somebody'}: {', '.join(p['metrics'])}")
        for p in found["passes"]
    ]
    return rows


def _corpus(found: dict[str, Any]) -> str:
    told = f"{found['path']}: {amounts.count(found['documents'])} documents, digest {found['digest']}"
    return told + (f"; {amounts.plural(found['left_out'], 'document')} left out" if found["left_out"] else "")


def _commit(git: dict[str, Any]) -> str:
    if not git.get("commit"):
        return "not in a repository"
    branch = f" on {git['branch']}" if git.get("branch") else ""
    return f"{git['commit']}{branch}, " + ("with uncommitted changes" if git.get("dirty") else "nothing uncommitted")


def _policy(style: str, script: str) -> str:
    """Nothing is loaded; this style and this script alone are obeyed."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("number", "signed", "interval", "money", "count", "plural"):
        environment.filters[name] = getattr(amounts, name)
    environment.filters["sentence"] = _sentence
    return environment


def _shown(value: Any) -> Any:
    """What becomes of each value on the page before it is escaped."""
    from markupsafe import Markup

    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


@lru_cache(maxsize=2)
def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8").replace("\r\n", "\n")
