"""Addresses: which are of this machine alone; those in settings are kept in keys, run folders and logs, so they may
hold no secret."""

from __future__ import annotations

import ipaddress
import os
import re

from harness.plugins import providers

HEADERS = 'headers: {Authorization: "Basic ${VARIABLE}"}, with a VARIABLE of the environment'
"""Where a secret belongs for a part that has headers."""
_AUTHORITY = re.compile(r"(?:[a-zA-Z][\w+.-]*:)?//([^/?#]*)|([^/?#]*)")
_KEY = re.compile(
    r"(?i)[?&](?:(?:[\w.-]*[_.-])?(?:api|access|auth|client)?(?:key|token|secret|password|passwd|signature|credential)"
    r"|sig|auth|code|pwd)=[^&]"
)
_PORT = re.compile(r":\d*\Z")


def is_this_machine(host: str) -> bool:
    """Whether a host, a name or a number, is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def key_in(variable: str | None) -> str:
    """Where a secret belongs for a part that sends a key; `variable` is the one that holds it, where it is known."""
    named = f"the environment variable {variable}" if variable else "the variable of the environment that litellm reads"
    return f"{named}, which is sent as the key"


def refuse_secrets(field: str, address: str | None, instead: str) -> None:
    """Raise ValueError for an address like `http://user:password@host`, or `…?key=…`; `instead`: where secrets belong.

    The message never holds the address. A password that was not escaped (`http://user:a/b@host`) is found by the port
    that is no number.
    """
    if address and _KEY.search(address):
        raise ValueError(
            f"{field} holds a key, a token or the like after the ?, which would be written into run folders; "
            f"take it out, and use {instead}"
        )
    if address and _holds_secret(address.strip()):
        raise ValueError(
            f"{field} holds a user name or a password, which would be written into run folders; "
            f"take out what stands before the @, and use {instead}"
        )


def refuse_secrets_of_server(field: str, address: str | None, provider: str, variable: str | None) -> None:
    """The same for a setting in whose absence the environment may name the server of a `provider`."""
    refuse_secrets(field, address, key_in(variable))
    named = providers.SERVERS.get(provider)
    if named and not address:
        refuse_secrets(f"the environment variable {named}", os.environ.get(named), key_in(variable))


def _holds_secret(address: str) -> bool:
    found = _AUTHORITY.match(address)
    authority = (found[1] or found[2] or "") if found else ""
    if "@" in authority:
        return True
    host = _PORT.sub("", authority)
    return "@" in address and ":" in host and not host.startswith("[")
