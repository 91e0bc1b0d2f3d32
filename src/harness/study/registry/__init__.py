"""The registry: which configuration is in production, since when, and by which evidence."""

from __future__ import annotations

from harness.study.registry.changing import promote, rollback
from harness.study.registry.reading import Registry, registry_of
from harness.study.registry.versions import Change, Version

__all__ = ["Change", "Registry", "Version", "promote", "registry_of", "rollback"]
