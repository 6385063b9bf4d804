"""Walks two routed networks through their life; what a real Neutron answered is in recorded/life_of_a_network.json.

Record it again on a machine with a Neutron whose hosts hv1 to hv4 have bridge mappings rec-hv1 to rec-hv4:
python tests/unit/plugins/module_utils/neutron/life_of_a_network.py CLOUD
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
RECORDED = FOLDER / "recorded" / "life_of_a_network.json"
if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER.parents[4] / ".cache" / "collections"))

from ansible_collections.roth.fabric.plugins.module_utils.neutron.carrying_out import carry_out  # noqa: E402
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import (  # noqa: E402
    NeutronError,
    WritableCloud,
    connect,
)
from ansible_collections.roth.fabric.plugins.module_utils.neutron.routed import routed_network  # noqa: E402
from ansible_collections.roth.fabric.plugins.modules.routed_network import make_plan  # noqa: E402

V4 = {"cidr": "10.77.0.0/16", "gateway": "10.77.0.1", "service_types": ["compute:nova"]}
V6 = {"cidr": "2001:db8:77::/64", "gateway": "2001:db8:77::1", "ipv6_mode": "dhcpv6-stateful"}
ON_HV1 = {"cidr": "198.51.100.0/26", "gateway": "198.51.100.1", "segment": "rack-a", "name": "a-v4"}
ON_HV4 = {"cidr": "198.51.100.64/26", "gateway": "198.51.100.65", "segment": "rack-b"}


def flat(*hosts: str) -> list[dict[str, object]]:
    return [{"physical_network": f"rec-{host}"} for host in hosts]


def rack(letter: str, host: str) -> dict[str, object]:
    return {"name": f"rack-{letter}", "physical_network": f"rec-{host}", "network_type": "vlan", "segmentation_id": 100}


Told = list[str]


def ensure(cloud: WritableCloud, name: str, segments: Any, subnets: Any, purge: bool = False, **more: Any) -> Told:
    wanted = routed_network(name, segments, subnets, more.get("shared"), more.get("mtu"))
    found, plan = make_plan(cloud, name, wanted, purge)
    if plan.refused:
        return list(plan.refused)
    if plan.steps:
        carry_out(cloud, plan, found.id if found else "")
    return [f"{step.action} {step.text}" for step in plan.steps]


def remove(cloud: WritableCloud, name: str) -> Told:
    found, plan = make_plan(cloud, name, None, False)
    if plan.steps:
        carry_out(cloud, plan, found.id if found else "")
    return list(plan.refused) or [f"{step.action} {step.text}" for step in plan.steps]


def boot(cloud: WritableCloud, network: str, host: str) -> str:
    """Make a port as Nova does; returns its id."""
    (found,) = cloud.get("/v2.0/networks", [("name", network)])["networks"]  # type: ignore[misc]
    body = {"network_id": found["id"], "name": f"vm-{host}", "device_owner": "compute:nova", "binding:host_id": host}
    port: Any = cloud.post("/v2.0/ports", {"port": body})["port"]
    return str(port["id"])


def walk(cloud: WritableCloud) -> dict[str, Told]:
    """What each step told, by its name. The last ones leave nothing behind."""
    told = {
        "make": ensure(cloud, "spanning", flat("hv1", "hv2"), [V4, V6], shared=True, mtu=1400),
        "again": ensure(cloud, "spanning", flat("hv1", "hv2"), [V4, V6], shared=True, mtu=1400),
        "new host": ensure(cloud, "spanning", flat("hv1", "hv2", "hv3"), [V4, V6]),
        "host left": ensure(cloud, "spanning", flat("hv1", "hv2"), [V4, V6]),
        "change": ensure(cloud, "spanning", flat("hv1", "hv2", "hv3"), [{**V4, "service_types": []}], mtu=1450),
        "racks": ensure(cloud, "racks", [rack("a", "hv1"), rack("b", "hv4")], [ON_HV1, ON_HV4]),
        "racks again": ensure(cloud, "racks", [rack("a", "hv1"), rack("b", "hv4")], [ON_HV1, ON_HV4]),
        "taken": ensure(cloud, "other", flat("hv1"), []),
    }
    port = boot(cloud, "spanning", "hv3")
    told["purge in use"] = ensure(cloud, "spanning", flat("hv1"), [V4], purge=True)
    told["absent in use"] = remove(cloud, "spanning")
    cloud.delete(f"/v2.0/ports/{port}")
    told["purge"] = ensure(cloud, "spanning", flat("hv1"), [V4], purge=True)
    told["absent"] = remove(cloud, "spanning")
    told["racks absent"] = remove(cloud, "racks")
    told["absent again"] = remove(cloud, "racks")
    return told


class Recorder:
    """Passes everything on to a real Neutron and keeps what was asked and answered."""

    def __init__(self, cloud: WritableCloud) -> None:
        self._cloud = cloud
        self.kept: list[dict[str, object]] = []

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Mapping[str, object]:
        return self._keep("GET", path, [list(pair) for pair in query], lambda: self._cloud.get(path, query))

    def post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        return self._keep("POST", path, body, lambda: self._cloud.post(path, body))

    def put(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        return self._keep("PUT", path, body, lambda: self._cloud.put(path, body))

    def delete(self, path: str) -> None:
        def passed() -> Mapping[str, object]:
            self._cloud.delete(path)
            return {}

        self._keep("DELETE", path, {}, passed)

    def _keep(self, method: str, path: str, sent: object, ask: Callable[[], Mapping[str, object]]) -> Mapping[str, Any]:
        answer = ask()
        self.kept.append({"method": method, "path": path, "sent": sent, "answer": answer})
        return answer


class Replay:
    """A Cloud that answers what was recorded, and refuses another request than the one that was made then."""

    def __init__(self, kept: Sequence[Mapping[str, Any]]) -> None:
        self.left = list(kept)

    def _next(self, method: str, path: str, sent: object) -> Mapping[str, Any]:
        assert self.left, f"{method} {path} was not asked when this was recorded"
        known = self.left.pop(0)
        assert (method, path, json.loads(json.dumps(sent))) == (known["method"], known["path"], known["sent"])
        answer: Mapping[str, Any] = known["answer"]
        return answer

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Mapping[str, object]:
        return self._next("GET", path, list(query))

    def post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        return self._next("POST", path, body)

    def put(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        return self._next("PUT", path, body)

    def delete(self, path: str) -> None:
        self._next("DELETE", path, {})


if __name__ == "__main__":
    recorder = Recorder(connect(sys.argv[1], timeout=30))
    try:
        for each, lines in walk(recorder).items():
            print(f"{each}:", *lines, sep="\n  ")
    except NeutronError as error:
        sys.exit(str(error))
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(json.dumps(recorder.kept, separators=(",", ":"), sort_keys=True) + "\n")
