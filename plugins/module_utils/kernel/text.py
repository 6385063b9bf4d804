# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes as text, one a line: `PREFIX dev NAME [metric N]` or `blackhole PREFIX [metric N]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from .collector import collector_paused
from .model import HostRoute, RouteKey, RouteKind, key_prefix, key_text, route_key

DEFAULT_METRIC = {4: 0, 16: 1024}
"""By length of the address in bytes: what the kernel takes when no metric is given (IP6_RT_PRIO_USER)."""

GRAMMAR = "PREFIX dev NAME [metric N] or blackhole PREFIX [metric N]"

_MAX_METRIC = 0xFFFFFFFF
_MAX_ERRORS = 10
_LENGTHS = {str(length): length for length in range(129)}
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")
# dev_valid_name() of the kernel (net/core/dev.c), printable ASCII only.
_DEVICE = re.compile(r"(?!\.{1,2}$)[!-.0-9;-~]{1,15}")

_SHOWN = 80  # characters of a wrong value that an error quotes

PackedRoute = tuple[RouteKey, "str | None"]
"""Key and device; None for a blackhole."""


@dataclass
class Wanted:
    """Wanted routes in packed form: device by key (None: blackhole).

    `repeated` holds routes that were listed more than once alike, `contradictory` those listed with different
    devices: none of these is wanted, because nobody can tell which. Without `settles` the route of an address that has
    just arrived (metric `preference.ARRIVED_METRIC`) is as good as the wanted one: who doesn't know of migrations must
    not end one.
    """

    routes: dict[RouteKey, str | None] = field(default_factory=dict)
    repeated: set[RouteKey] = field(default_factory=set)
    contradictory: dict[RouteKey, list[str]] = field(default_factory=dict)
    settles: bool = False

    def add(self, key: RouteKey, device: str | None) -> None:
        """Take one more route."""
        if key in self.contradictory:
            self.contradictory[key].append(route_text(key, device))
        elif key not in self.routes:
            self.routes[key] = device
        elif self.routes[key] == device:
            self.repeated.add(key)
        else:
            self.contradictory[key] = [route_text(key, self.routes.pop(key)), route_text(key, device)]


def quoted(value: object) -> str:
    """A wrong value as an error names it: on one line, and short however long it is."""
    # A slice first: the text of a million characters is not escaped to show eighty.
    try:
        text = repr(value[:_SHOWN] if isinstance(value, str) else value)
    except ValueError:  # sys.set_int_max_str_digits
        return "(a number of thousands of digits)"
    long = len(text) > _SHOWN or (isinstance(value, str) and len(value) > _SHOWN)
    return f"{text[: _SHOWN - 1]}…" if long else text


@lru_cache(maxsize=4096)
def parse_device(name: str) -> str:
    """The name of an interface. Raises ValueError if the kernel would not take it."""
    if not _DEVICE.fullmatch(name):
        expected = "1 to 15 printable characters without space, / and :"
        raise ValueError(f"{quoted(name)} is not a device name; expected {expected}")
    return name


def _parse_prefix(text: str) -> tuple[bytes, int]:
    address, slash, length_text = text.partition("/")
    family = AF_INET6 if ":" in address else AF_INET
    try:
        packed = inet_pton(family, address)
    except (OSError, ValueError):
        raise ValueError(f"{quoted(address)} is not an IPv4 or IPv6 address") from None
    bits = 8 * len(packed)
    if not slash:
        raise ValueError(f"{quoted(text)} has no prefix length; expected e.g. {text}/{bits}")
    length = _LENGTHS.get(length_text, bits + 1)
    if length > bits:
        name = "IPv6" if family == AF_INET6 else "IPv4"
        raise ValueError(f"{quoted(text)} has a bad prefix length; expected 0 to {bits} for {name}")
    if length < bits:
        number = int.from_bytes(packed, "big")
        network = number >> (bits - length) << (bits - length)
        if network != number:
            expected = inet_ntop(family, network.to_bytes(len(packed), "big"))
            raise ValueError(f"{quoted(text)} has host bits set; expected {expected}/{length}")
    return packed, length


def _parse_metric(text: str, size: int) -> int:
    # The kernel reads an IPv6 metric of 0 as 1024: such a route would never look as wanted.
    lowest = 1 if size == 16 else 0
    metric = int(text) if _NUMBER.fullmatch(text) else -1
    if not lowest <= metric <= _MAX_METRIC:
        raise ValueError(f"metric {quoted(text)} is not valid; expected a number from {lowest} to {_MAX_METRIC}")
    return metric


def parse_packed(text: str) -> PackedRoute:
    """One route in packed form. Raises ValueError naming what was expected."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"{quoted(text)} has control or non-ASCII characters; expected {GRAMMAR}")
    words = text.split()
    count = len(words)
    if not 2 <= count <= 5:
        raise ValueError(f"{quoted(text)} is not a route; expected {GRAMMAR}")
    device: str | None = None
    if words[0] == "blackhole":
        prefix, rest = words[1], words[2:]
    elif count > 2 and words[1] == "dev":
        prefix, device, rest = words[0], parse_device(words[2]), words[3:]
    else:
        raise ValueError(f"{quoted(text)} is not a route; expected {GRAMMAR}")
    packed, length = _parse_prefix(prefix)
    if not rest:
        return (packed, length, DEFAULT_METRIC[len(packed)]), device
    if len(rest) != 2 or rest[0] != "metric":
        raise ValueError(f"{quoted(' '.join(rest))} in {quoted(text)} is not understood; expected metric N or nothing")
    return (packed, length, _parse_metric(rest[1], len(packed))), device


def parse_route(text: str) -> HostRoute:
    """One route of the grammar above; metrics default to 0 (IPv4) and 1024 (IPv6).

    Raises ValueError, naming what was expected: host bits set, a device name that cannot be, control characters,
    unknown words, a length or metric outside its range.
    """
    key, device = parse_packed(text)
    kind = RouteKind.BLACKHOLE if device is None else RouteKind.UNICAST
    return HostRoute(key_prefix(key), device, key[2], kind)


@collector_paused()
def parse_routes(lines: Iterable[str]) -> Wanted:
    """Many routes. Raises ValueError naming each bad line by its number (the first ten of them)."""
    wanted, errors = Wanted(), []
    routes, add = wanted.routes, wanted.add
    for number, line in enumerate(lines, 1):
        try:
            key, device = parse_packed(line)
        except ValueError as error:
            errors.append(f"route {number}: {error}")
            continue
        if key in routes or wanted.contradictory:
            add(key, device)
        else:
            routes[key] = device
    if errors:
        left = len(errors) - _MAX_ERRORS
        tail = [f"and {left} more"] if left > 0 else []
        raise ValueError("; ".join(errors[:_MAX_ERRORS] + tail))
    return wanted


def wanted_routes(routes: Iterable[HostRoute]) -> Wanted:
    """Typed routes in the form that plan_routes takes."""
    wanted = Wanted()
    for route in routes:
        wanted.add(route_key(route.prefix, route.metric), route.device)
    return wanted


def route_text(key: RouteKey, device: str | None) -> str:
    """The text of a packed route; the metric only where it is not the default."""
    metric = "" if key[2] == DEFAULT_METRIC[len(key[0])] else f" metric {key[2]}"
    if device is None:
        return f"blackhole {key_text(key)}{metric}"
    return f"{key_text(key)} dev {device}{metric}"


def format_route(route: HostRoute) -> str:
    """The text of a route: parse_route() of it gives the route again."""
    return route_text(route_key(route.prefix, route.metric), route.device)
