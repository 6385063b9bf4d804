"""A Cloud that answers from what a real Neutron 29.0.0 answered, with the filters and pages that the API has."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError

ROOT = Path(__file__).resolve().parents[5]
FILTERS = ("id", "name", "network_id", "binding:host_id", "floating_network_id", "router_id")


def recorded() -> dict[str, Any]:
    """Networks, subnets and ports of inventories/lab/neutron.json."""
    loaded: dict[str, Any] = json.loads((ROOT / "inventories" / "lab" / "neutron.json").read_text())
    return copy.deepcopy(loaded)


class RecordedNeutron:
    """`asked` lists each request as (kind, query); `spoil` may change an answer or raise; `page` is entries a page."""

    def __init__(
        self,
        document: dict[str, Any] | None = None,
        spoil: Callable[[str, dict[str, Any]], object] | None = None,
        page: int | None = None,
    ) -> None:
        self.document = document or recorded()
        self.asked: list[tuple[str, list[tuple[str, str]]]] = []
        self._spoil = spoil
        self._page = page

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Mapping[str, object]:
        kind = path.removeprefix("/v2.0/")
        self.asked.append((kind, list(query)))
        if kind not in self.document:
            raise NeutronError("broken", f"GET {path}: HTTP 404", 404)
        entries = sorted((e for e in self.document[kind] if _matches(e, query)), key=lambda entry: entry["id"])
        answer: dict[str, Any] = {}
        if self._page is not None:
            entries, answer[f"{kind}_links"] = self._one_page(kind, entries, query)
        fields = [value for name, value in query if name == "fields"]
        answer[kind] = [{k: v for k, v in entry.items() if not fields or k in fields} for entry in entries]
        answer = copy.deepcopy(answer)
        if self._spoil is not None:
            self._spoil(kind, answer)
        return answer

    def _one_page(
        self, kind: str, entries: list[dict[str, Any]], query: Sequence[tuple[str, str]]
    ) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
        marker = dict(query).get("marker")
        after = [entry for entry in entries if marker is None or entry["id"] > marker]
        shown = after[: self._page]
        rest = [pair for pair in query if pair[0] != "marker"]
        following = urlencode([*rest, ("marker", shown[-1]["id"])]) if len(after) > len(shown) else None
        links = [{"rel": "previous", "href": f"http://inside:9696/v2.0/{kind}?page_reverse=True"}]
        if following:
            links.append({"rel": "next", "href": f"http://inside:9696/v2.0/{kind}?{following}"})
        return shown, links


def _matches(entry: Mapping[str, Any], query: Sequence[tuple[str, str]]) -> bool:
    wanted: dict[str, set[str]] = {}
    for name, value in query:
        wanted.setdefault(name, set()).add(value)
    addresses = {f"ip_address={item['ip_address']}" for item in entry.get("fixed_ips", ())}
    if "fixed_ips" in wanted and not addresses & wanted["fixed_ips"]:
        return False
    return all(entry.get(name) in wanted[name] for name in FILTERS if name in wanted)
