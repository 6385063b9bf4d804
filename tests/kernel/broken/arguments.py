"""How arguments are written down: title, module, arguments, message; and what many cases have in common.

`{tmp}` stands for the test's own folder, in which there are `folder/` and `file`. Add a case by adding an entry.
"""

from __future__ import annotations

from typing import Any

Case = tuple[str, str, dict[str, Any], str]

ROUTE = "10.64.1.53/32 dev v0"
LONG = "x" * 1_000_000
HUGE = 10**40
HUNDRED_THOUSAND = [f"10.{100 + (n >> 16)}.{n >> 8 & 255}.{n & 255}/32 dev v0" for n in range(100_000)]
HUNDRED_THOUSAND[66_666] = "10.64.1.256/32 dev v0"


def nested(levels: int) -> object:
    value: object = ROUTE
    for _level in range(levels):
        value = [value]
    return value


def host_routes(**arguments: object) -> dict[str, Any]:
    return {"routes": [ROUTE], **arguments}


def member(**changes: object) -> dict[str, Any]:
    return {"id": 142104, "gateway": "10.1.1.0", "device": "v0", **changes}


def group(*members: dict[str, Any], **arguments: object) -> dict[str, Any]:
    return {"id": 142004, "members": list(members), **arguments}


def peers(*listed: dict[str, Any], **arguments: object) -> dict[str, Any]:
    return {"vty": "{tmp}/none.vty", "timeout": 0, "peers": list(listed), **arguments}


def peer(**changes: object) -> dict[str, Any]:
    return {"address": "10.1.1.0", "local_address": "10.1.1.1", **changes}


def files(*listed: dict[str, Any], **arguments: object) -> dict[str, Any]:
    return {"files": [{"path": "{tmp}/new", "content": "x\n"}, *listed], **arguments}


def file(**changes: object) -> dict[str, Any]:
    return {"path": "{tmp}/other", "content": "x\n", **changes}


def sysctls(content: str, **arguments: object) -> dict[str, Any]:
    return {"path": "{tmp}/60-test.conf", "content": content, **arguments}
