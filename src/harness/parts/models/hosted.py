"""What the models of a provider with one key have in common: where they are asked, and which key that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness.plugins import addresses, providers, setting


@dataclass(frozen=True)
class Hosted:
    """The settings of such a model; `home` is the provider's name. A server of one's own may need no key.

    `stream` is no inert setting: what is measured of a streamed answer is another thing.
    """

    version: ClassVar[int] = 1
    local: ClassVar[bool] = False
    home: ClassVar[str] = ""
    name: str = ""
    base_url: str | None = None
    stream: bool = False
    api_key_variable: str = setting("", inert=True)
    timeout_s: float = setting(60.0, inert=True)

    def __post_init__(self) -> None:
        addresses.refuse_secrets_of_server("base_url", self.base_url, self.home, self.api_key_variable)

    @property
    def server(self) -> str | None:
        """The server where it is not the provider's: `base_url`, else the variable that the SDK knows."""
        return providers.server(self.home, self.base_url)

    @property
    def provider(self) -> str:
        """The provider, or the server."""
        return self.server or self.home

    @property
    def environment(self) -> tuple[str, ...]:
        """The key, unless a server of one's own is named, which may need none."""
        return (self.api_key_variable,) if self.server is None else ()

    def identity_extra(self) -> dict[str, Any]:
        """The server, wherever it was named."""
        return {"base_url": self.server}
