"""A controller: the packages that a real Neutron needs beside its own software, and the files that configure it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .base import build, recipe
from .seed import ETC_SYSTEMD, SeedFile, tree_files
from .software import build_layer
from .topology import Neutron

FILES = Path(__file__).with_name("controller-root")
SERVICES = {"min": ["neutron-api.service"], "full": ["neutron-api.service", "neutron-rpc.service"]}
PACKAGES = {"min": [], "full": ["mariadb-server", "rabbitmq-server"]}


def layers(neutron: Neutron, suite: str | None, home: Path) -> list[Path]:
    """The trees below a controller's own files, uppermost first: Neutron, and a base root with what it needs."""
    return [build_layer(suite, home), build(recipe(suite, more=PACKAGES[neutron.mode]), home)]


def files(neutron: Neutron) -> Iterator[SeedFile]:
    """Configuration, units and programs of a controller."""
    yield from tree_files(FILES / "common")
    yield from tree_files(FILES / neutron.mode)
    if neutron.mode == "min":  # else they report themselves
        yield SeedFile("etc/neutron/agents.json", json.dumps(neutron.bridge_mappings, indent=1) + "\n")
    for service in SERVICES[neutron.mode]:
        yield SeedFile(f"{ETC_SYSTEMD}/multi-user.target.wants/{service}", link=f"/{ETC_SYSTEMD}/{service}")
