"""Personal data in a text: e-mail addresses, telephone and card numbers, IBANs, US social security numbers, IPs.

Found by form, and by the check digits where there are some: what has the form only by chance is found too, a name or a
street address is not. Sources: ISO/IEC 7812-1 (cards, Luhn), ISO 13616 (IBANs, and the lengths in its registry), SSA
rules of 2011 (SSNs), ITU-T E.164 by the library phonenumbers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

Kind = Literal["email", "iban", "card", "us_ssn", "ip", "phone"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""All kinds, the strictest forms first: what is part of one is not looked at for the next."""

_AT = r"(?:\s?[\[(]\s?at\s?[\])]\s?|@)"
_DOT = r"(?:\s?[\[(]\s?dot\s?[\])]\s?|\.)"
_EMAIL = re.compile(
    rf"(?<![\w.+%'-])\w[\w.+%'-]{{0,63}}{_AT}(?:[a-z0-9-]{{1,63}}{_DOT}){{1,8}}(?!png|jpe?g|gif|svg|webp)[a-z]{{2,24}}",
    re.I,
)
_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,32}", re.I)
_DIGITS = re.compile(r"(?<![\w.,])\d(?:[ -]?\d){12,}(?!\w)")
_SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])")
_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w:]|[./]\w)", re.I)

_IBAN_LENGTHS = {
    entry[:2]: int(entry[2:])
    for entry in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 "
        "FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 "
        "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 "
        "SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
    ).split()
}
_LOCAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
        *("::/127", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
)
"""Addresses that stand for nobody: of private networks and this machine, of groups, and masks."""
_CARDS = (
    (r"4", (13, 16, 19)),
    (r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)", (16,)),
    (r"3[47]", (15,)),
    (r"36|38|30[0-5]", (14,)),
    (r"6011|64[4-9]|65|62|35(?:2[89]|[3-8])", (16, 17, 18, 19)),
)
"""How the numbers of the great card schemes begin, and how long they are."""
_SHORTEST_PHONE = 7


@dataclass(frozen=True, slots=True)
class Datum:
    """One find: its kind, one form for all ways to write it, and the characters of the text that it takes."""

    kind: Kind
    key: str
    start: int
    end: int

    def masked(self) -> str:
        """The first and the last character of it, which tell little; the mask does not tell the length."""
        return f"{self.key[0]}***{self.key[-1]}"


def personal(text: str, kinds: tuple[Kind, ...] = KINDS, regions: tuple[str, ...] = ()) -> list[Datum]:
    """The personal data of these kinds in a text, in the order of KINDS.

    Telephone numbers are found with a country code, and as they are grouped within `regions` (ISO 3166 codes); digits
    in a row are none there unless they start with 0.
    """
    found: list[Datum] = []
    for kind in KINDS:
        if kind not in kinds:
            continue
        of_kind = _phones(text, regions) if kind == "phone" else _FINDERS[kind](text)
        for datum in of_kind:
            found.append(datum)
            text = f"{text[: datum.start]}{'|' * (datum.end - datum.start)}{text[datum.end :]}"
    return found


def _emails(text: str) -> list[Datum]:
    return [Datum("email", _address(m[0]), m.start(), m.end()) for m in _EMAIL.finditer(text)]


def _address(written: str) -> str:
    """The address without its disguise."""
    plain = re.sub(_DOT, ".", re.sub(_AT, "@", written, flags=re.I), flags=re.I)
    return plain.casefold()


def _ibans(text: str) -> Iterator[Datum]:
    for match in _IBAN.finditer(text):
        end = match.start()
        length, key = _IBAN_LENGTHS.get(match[0][:2].upper(), 0), ""
        while len(key) < length and end < match.end():
            key += text[end] if text[end].isalnum() else ""
            end += 1
        longer = text[end : end + 1].isalnum()
        if len(key) == length > 0 and not longer and int("".join(str(int(c, 36)) for c in key[4:] + key[:4])) % 97 == 1:
            yield Datum("iban", key.upper(), match.start(), end)


def _cards(text: str) -> Iterator[Datum]:
    for match in _DIGITS.finditer(text):
        groups = [(m.start() + match.start(), m.end() + match.start()) for m in re.finditer(r"\d+", match[0])]
        first = 0
        while first < len(groups):
            for last in range(len(groups) - 1, first - 1, -1):
                start, end = groups[first][0], groups[last][1]
                key = re.sub(r"\D", "", text[start:end])
                if _is_card(key):
                    yield Datum("card", key, start, end)
                    first = last
                    break
            first += 1


def _is_card(digits: str) -> bool:
    if not any(len(digits) in lengths and re.match(start, digits) for start, lengths in _CARDS):
        return False
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 * (d > 9) for d in doubled) % 10 == 0


def _ssns(text: str) -> list[Datum]:
    return [Datum("us_ssn", re.sub(r"\D", "", m[0]), m.start(), m.end()) for m in _SSN.finditer(text)]


def _ips(text: str) -> Iterator[Datum]:
    for match in _IP.finditer(text):
        try:
            address = ipaddress.ip_address(match[0])
        except ValueError:
            continue
        if not any(address.version == network.version and address in network for network in _LOCAL):
            yield Datum("ip", str(address), match.start(), match.end())


def _phones(text: str, regions: tuple[str, ...]) -> list[Datum]:
    if sum(character.isdigit() for character in text) < _SHORTEST_PHONE:
        return []
    found: dict[int, Datum] = {}
    for region in (None, *regions):
        for start, end, key in _phones_of(text, region):
            if not any(start < datum.end and datum.start < end for datum in found.values()):
                found[start] = Datum("phone", key, start, end)
    return list(found.values())


@lru_cache(maxsize=4096)
def _phones_of(text: str, region: str | None) -> tuple[tuple[int, int, str], ...]:
    """Numbers with a country code in any grouping; those of a region only as they are grouped there."""
    import phonenumbers

    leniency = phonenumbers.Leniency.VALID if region is None else phonenumbers.Leniency.STRICT_GROUPING
    return tuple(
        (found.start, found.end, phonenumbers.format_number(found.number, phonenumbers.PhoneNumberFormat.E164))
        for found in phonenumbers.PhoneNumberMatcher(text, region, leniency=leniency)
        if region is None or _looks_dialled(text, found.start, found.end)
    )


def _looks_dialled(text: str, start: int, end: int) -> bool:
    """Whether a number without country code is more than digits: it has a blank, say, or starts with 0, and stands
    alone."""
    written = text[start:end]
    if sum(character.isdigit() for character in written) < _SHORTEST_PHONE:
        return False
    alone = not re.search(r"[\w.,-]$", text[:start]) and not re.match(r"_|[.,-]\w", text[end:])
    bare = re.fullmatch(r"\d+\.?\d*", written) is not None
    return alone and (not bare or (written.isdigit() and written.startswith("0")))


_FINDERS: dict[str, Callable[[str], list[Datum] | Iterator[Datum]]] = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "us_ssn": _ssns,
    "ip": _ips,
}
