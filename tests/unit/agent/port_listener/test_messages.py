"""Messages of Neutron's bus, in the form that neutron 29 sends them."""

from __future__ import annotations

import json

import pytest
from roth.port_listener.messages import Places, PortEvent, parse


def versioned(name: str, **fields: object) -> dict[str, object]:
    return {"versioned_object.name": name, "versioned_object.namespace": "versionedobjects",
            "versioned_object.version": "1.11", "versioned_object.data": fields}  # fmt: skip


def bound(*hosts: str) -> list[object]:
    return [versioned("PortBinding", port_id="p1", host=host, status="ACTIVE") for host in hosts]


def push(*ports: object, method: str = "push") -> str:
    message = {"method": method, "args": {"resource_list": list(ports), "event_type": "updated"}, "version": "1.1"}
    return json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(message)})


@pytest.mark.parametrize(
    ("fields", "hosts"),
    [
        ({"bindings": bound("hv1")}, {"hv1"}),
        ({"bindings": bound("hv1", "hv3")}, {"hv1", "hv3"}),
        ({"bindings": bound("")}, set()),
        ({"bindings": []}, set()),
        ({}, None),
        ({"bindings": None}, None),
    ],
    ids=["bound", "two bindings", "unbound", "no binding", "deleted: its id only", "no list"],
)
def test_a_push_concerns_the_hosts_of_all_bindings(fields: dict[str, object], hosts: set[str] | None) -> None:
    expected = PortEvent("p1", None if hosts is None else frozenset(hosts))
    assert parse(push(versioned("Port", id="p1", **fields))) == [expected]


def test_a_push_may_have_many_ports() -> None:
    ports = [versioned("Port", id=f"p{n}", bindings=bound(f"hv{n}")) for n in (1, 2)]
    assert [event.port_id for event in parse(push(*ports).encode())] == ["p1", "p2"]


@pytest.mark.parametrize(
    "body", ["", "[]", "3", "{}", '{"oslo.message": "x"}', push({}), push(3), push(versioned("Port")),
             push(method="pull"), push(versioned("Port", id="p1", bindings=["hv1"]))],
)  # fmt: skip
def test_anything_else_is_told(body: str) -> None:
    with pytest.raises(ValueError):
        parse(body)


def test_who_had_a_port_is_concerned_as_well_and_of_an_unknown_one_all_are() -> None:
    places = Places()
    assert places.concerned(PortEvent("p1", None)) is None
    assert places.concerned(PortEvent("p1", frozenset({"hv1"}))) == {"hv1"}
    assert places.concerned(PortEvent("p1", frozenset({"hv3"}))) == {"hv1", "hv3"}
    assert places.concerned(PortEvent("p1", None)) == {"hv3"}
    assert places.concerned(PortEvent("p1", None)) is None


def test_the_memory_of_ports_is_bounded() -> None:
    places = Places(2)
    for port in ("p1", "p2", "p3"):
        places.concerned(PortEvent(port, frozenset({"hv1"})))
    assert [places.concerned(PortEvent(port, None)) for port in ("p1", "p2", "p3")] == [None, {"hv1"}, {"hv1"}]
