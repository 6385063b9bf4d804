# Copyright: (c) 2026, roth.fabric contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sysctl.d(5) file asks for against what the kernel has, and what the kernel had before us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..kernel.text import quoted

FORWARDING = "net/ipv6/conf/all/forwarding"
"""Writing it sets the value of every interface and of "default" as well (Documentation/networking/ip-sysctl)."""

_NAME = re.compile(r"[!-<>-~]{1,255}")  # interfaces may have any printable character in their names


@dataclass(frozen=True)
class Setting:
    """One line of a sysctl.d file. `path` is below /proc/sys; `optional` lines (leading "-") may be unknown here."""

    path: str
    value: str
    optional: bool


@dataclass(frozen=True)
class Plan:
    """Settings to write, in the file's order, and settings that this kernel does not have (yet)."""

    write: tuple[Setting, ...]
    missing: tuple[Setting, ...]


def setting_path(name: str) -> str:
    """The path below /proc/sys. As in sysctl.d(5): a name with a slash first is literal, else dots and slashes swap.

    Raises ValueError for a name that leads elsewhere: `/etc/passwd`, `../x`.
    """
    separators = [character for character in name if character in "./"]
    path = name if separators[:1] == ["/"] else name.translate(str.maketrans("./", "/."))
    if not _NAME.fullmatch(path) or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise ValueError(f"{quoted(name)} is no name of a kernel setting; expected one like net/ipv4/ip_forward")
    return path


def parse(content: str) -> tuple[Setting, ...]:
    """Parse a sysctl.d file. Raises ValueError that quotes what is no "name = value", or is set twice differently."""
    settings: dict[str, Setting] = {}
    for number, raw in enumerate(content.split("\n"), 1):
        line = raw.strip(" \t")
        if not line or line[0] in "#;":
            continue
        try:
            setting = _setting(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        other = settings.setdefault(setting.path, setting)
        if not same(other.value, setting.value):
            value = quoted(other.value)
            raise ValueError(f"line {number}: {setting.path} is set to {value} before; expected one value")
    return tuple(settings.values())


def _setting(line: str) -> Setting:
    if not (line.isascii() and line.replace("\t", " ").isprintable()):
        raise ValueError(f"{quoted(line)} has control or non-ASCII characters")
    name, equals, value = line.partition("=")
    if not equals or not value.strip():
        raise ValueError(f"{quoted(line)} is no 'name = value'")
    return Setting(setting_path(name.removeprefix("-").strip()), value.strip(), name.startswith("-"))


def same(wanted: str, live: str) -> bool:
    """Whether two values are equal; several numbers in one value may be apart by tabs or spaces."""
    return wanted.split() == live.split()


def depends_on_forwarding(path: str) -> bool:
    """Whether the kernel sets this value together with FORWARDING."""
    return path.startswith("net/ipv6/conf/") and path.endswith("/forwarding") and path != FORWARDING


def to_record(
    write: tuple[Setting, ...], live: Mapping[str, str | None], recorded: Mapping[str, str]
) -> dict[str, str]:
    """Values as found of what is about to be written; `recorded` are those of earlier runs, which stay.

    `live` also holds each value that depends on FORWARDING, so that these are known when it is written.
    """
    paths = {setting.path for setting in write}
    if FORWARDING in paths:
        paths |= {path for path in live if depends_on_forwarding(path)}
    return {path: value for path in sorted(paths - set(recorded)) if (value := live.get(path)) is not None}


def to_restore(
    dropped: tuple[Setting, ...], live: Mapping[str, str | None], recorded: Mapping[str, str]
) -> tuple[Setting, ...]:
    """Settings that give back what was found, where a value that we no longer ask for is still the one we set.

    What somebody else has changed since then is theirs and stays, and so does what was never recorded.
    """
    found = []
    for setting in dropped:
        value = live.get(setting.path)
        if setting.path not in recorded or value is None or not same(setting.value, value):
            continue
        if not same(recorded[setting.path], value):
            found.append(Setting(setting.path, recorded[setting.path], setting.optional))
    if any(setting.path == FORWARDING for setting in found):
        found += [
            Setting(path, value, True)
            for path, value in sorted(recorded.items())
            if depends_on_forwarding(path) and live.get(path) is not None and not same(value, recorded[FORWARDING])
        ]
    return tuple(found)


def plan(settings: tuple[Setting, ...], live: Mapping[str, str | None]) -> Plan:
    """What to write so that the kernel has `settings`; `live` is the value by path, None where there is none."""
    write = []
    missing = []
    for setting in settings:
        value = live.get(setting.path)
        if value is None:
            missing.append(setting)
        elif not same(setting.value, value):
            write.append(setting)
    return Plan(tuple(write), tuple(missing))
