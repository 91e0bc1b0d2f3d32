"""Chroma behind HTTP, as `chroma run` serves it: several processes may use it at once, so there is no lock."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from harness.errors import UserError
from harness.plugins import failures

VARIABLE = re.compile(r"\$\{(\w+)\}")
_CONNECT_S = 10.0
_LONGEST = 300


class Server:
    """A connection to a Chroma server of version 1. `body` bounds what is sent at once: the server takes 40 MB."""

    body: int | None = 16 * 2**20

    def __init__(self, url: str, headers: Mapping[str, str], tenant: str, database: str, timeout_s: float) -> None:
        """Raises UserError where the server cannot be used, saying why; never with the value of a header."""
        self._url = url.rstrip("/")
        self._tenant, self._database = tenant, database
        self._timeout_s = timeout_s
        self._headers = {name: self._resolved(name, text) for name, text in headers.items()}
        with self.calls():
            self._greet()
            self.client: Any = self._connected()

    def _resolved(self, name: str, text: str) -> str:
        for variable in VARIABLE.findall(text):
            if not os.environ.get(variable):
                raise UserError(f"{self._url}: the header {name} needs the environment variable {variable}; set it")
        return VARIABLE.sub(lambda match: os.environ[match.group(1)], text)

    def _greet(self) -> None:
        """Ask for the version: Chroma's own client waits for ever, and tells no status."""
        import httpx

        with httpx.Client(timeout=self._timeouts(), headers=self._headers) as asked:
            answer = asked.get(f"{self._url}/api/v2/version")
        version = answer.text.strip().strip('"')
        if answer.status_code in (401, 403):
            raise self._error(f"HTTP {answer.status_code}: {_refused(self._headers)}")
        if answer.status_code != 200 or not re.fullmatch(r"\d+\.\d+\S{0,20}", version):
            raise self._error(
                f"HTTP {answer.status_code} at /api/v2/version: no Chroma server of version 1; {self._advice()}"
            )
        if not version.startswith("1."):
            raise self._error(
                f"the server speaks version {version} of Chroma's protocol, needed is 1; {self._advice()}"
            )

    def _connected(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        # Given here, they are not taken from the environment.
        settings = Settings(anonymized_telemetry=False, chroma_server_host=None, chroma_server_http_port=None)
        client = chromadb.HttpClient(
            host=self._url, settings=settings, headers=dict(self._headers), tenant=self._tenant, database=self._database
        )
        # Chroma has no setting for it, and waits for ever.
        client._server._session.timeout = self._timeouts()
        return client

    def _timeouts(self) -> Any:
        import httpx

        return httpx.Timeout(self._timeout_s, connect=min(_CONNECT_S, self._timeout_s))

    @contextmanager
    def calls(self) -> Iterator[None]:
        """Whatever goes wrong with the server in the block becomes a UserError that names its URL."""
        import httpx
        from chromadb.errors import AuthorizationError, ChromaAuthError, ChromaError

        try:
            yield
        except httpx.ConnectError as error:
            raise self._error(f"no connection ({error}); {self._advice()}") from None
        except httpx.TimeoutException:
            raise self._error(
                f"no answer within {self._timeout_s:g} s; raise the index's timeout_s or see if the server is well"
            ) from None
        except (AuthorizationError, ChromaAuthError):
            raise self._error(_refused(self._headers)) from None
        except (ChromaError, httpx.HTTPError) as error:
            raise self._error(f"{type(error).__name__}: {error}") from None
        except Exception as error:
            # What is no error of Chroma its client raises as a bare Exception, with what came back as its text.
            if type(error) is not Exception and not isinstance(error, ValueError | LookupError):
                raise
            raise self._error(f"unexpected answer: {error}") from None

    def _error(self, text: str) -> UserError:
        """The error, without what the headers hold."""
        for value in self._headers.values():
            for secret in {value, *value.split()} - {"Bearer", "Basic", ""}:
                text = text.replace(secret, "***")
        return UserError(f"Chroma at {self._url}: {failures.without_secrets(text)[:_LONGEST]}")

    def _advice(self) -> str:
        port = urlsplit(self._url).port or 8000
        return f"start one with `chroma run --path FOLDER --port {port}`, or mend the index's url"

    def close(self) -> None:
        """Leave the server."""
        session = self.client._server._session
        self.client.close()
        session.close()


def _refused(headers: Mapping[str, str]) -> str:
    sent = f"the headers {', '.join(headers)} do not suffice" if headers else "no headers are sent"
    return (
        f"it asks for authentication and {sent}; write for example "
        'headers: {Authorization: "Bearer ${CHROMA_TOKEN}"} and set the variable'
    )
