"""A port document that lost its ports withdraws nothing, until somebody says yes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .fabric import INVENTORY, Fabric, eventually
from .playbooks import play, refused

Document = dict[str, Any]
SHARE = r"hv1: \d+ of the \d+ instance prefixes \(\d+ %\) would be removed: [0-9a-f.:]+/\d+, .*and never all\."


@pytest.fixture
def inventory(ports_in_a_file: None, tmp_path: Path) -> Path:
    """A copy of the inventory, to be spoilt."""
    return Path(shutil.copytree(INVENTORY, tmp_path / "lab"))


@pytest.fixture
def restored(whole: Fabric) -> Iterator[Fabric]:
    """Afterwards the hosts have what the real inventory says."""
    before = announced(whole)
    yield whole
    play("sync_ports.yml", INVENTORY)
    eventually(lambda: announced(whole), lambda found: found == before, "all prefixes at both switches again")


def announced(fabric: Fabric) -> dict[str, dict[str, set[str]]]:
    """Next hops by prefix, by switch."""
    return {name: fabric.prefixes_at(name) for name in fabric.switches}


def state(fabric: Fabric) -> dict[str, object]:
    """Everything that a refusal must leave alone: both switches, the hosts' tables and their lists."""
    found: dict[str, object] = {"switches": announced(fabric)}
    for host in fabric.hosts:
        found[f"{host} routes"] = [fabric.ip(host, family, "route", "show", "table", "142") for family in ("-4", "-6")]
        found[f"{host} list"] = fabric.run(host, "stat", "--format=%i %Y %s", "/etc/roth/instance-routes")
    return found


def half(document: Document) -> str:
    return json.dumps({**document, "ports": document["ports"][::2]})


def none(document: Document) -> str:
    return json.dumps({**document, "ports": []})


def truncated(document: Document) -> str:
    text = json.dumps(document)
    return text[: len(text) // 2]


def one_page(document: Document) -> str:
    link = [{"rel": "next", "href": "https://neutron.example/v2.0/ports?marker=1"}]
    return json.dumps({**document, "ports": document["ports"][::2], "ports_links": link})


@pytest.mark.parametrize(
    ("spoil", "options", "said"),
    [
        (half, ("--check", "--diff"), SHARE),
        pytest.param(half, (), SHARE, marks=pytest.mark.slow),
        pytest.param(
            none, (), r"hv1: (\d+) of the \1 instance prefixes \(100 %\) would be removed: ", marks=pytest.mark.slow
        ),
        (truncated, (), r"hv1, hv2, hv3: roth_ports_file = '.*: expected JSON \("),
        pytest.param(
            one_page,
            (),
            r"'ports' is one page of several \(ports_links is there\): fetch all pages",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["half-check", "half", "none", "truncated", "one-page"],
)
def test_a_spoilt_port_document_is_refused_and_nothing_is_touched(
    inventory: Path, whole: Fabric, spoil: Callable[[Document], str], options: tuple[str, ...], said: str
) -> None:
    (inventory / "neutron.json").write_text(spoil(whole.document))
    before = state(whole)
    output = refused("sync_ports.yml", inventory, *options)
    assert re.search(said, output), output
    assert state(whole) == before


@pytest.mark.slow
def test_what_was_refused_goes_with_the_yes_that_the_refusal_names(inventory: Path, restored: Fabric) -> None:
    (inventory / "neutron.json").write_text(half(restored.document))
    before = announced(restored)
    match = re.search(
        r"hv2: (\d+) of the .*?\n +(--limit hv2 -e \S+)\n", refused("sync_ports.yml", inventory), re.DOTALL
    )
    assert match
    count, options = int(match[1]), match[2].split()
    assert options == ["--limit", "hv2", "-e", "instance_routes_accept_removal=yes"]
    assert count > 4
    play("sync_ports.yml", inventory, *options)

    def gone() -> dict[str, set[str]]:
        now = announced(restored)
        return {
            name: {prefix for prefix, hops in before[name].items() if hops - now[name].get(prefix, set())}
            for name in before
        }

    found = eventually(
        gone, lambda found: {len(lost) for lost in found.values()} == {count}, f"{count} withdrawn at both"
    )
    ports = [port for port in restored.document["ports"][1::2] if port["binding:host_id"] == "hv2"]
    missing = {held["ip_address"] for port in ports for held in port["fixed_ips"] + port["allowed_address_pairs"]}
    for lost in found.values():
        assert {prefix.partition("/")[0] for prefix in lost} <= missing
