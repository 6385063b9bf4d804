"""Where a lab keeps its things and how they are named: one prefix is one lab."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError

PREFIX = re.compile(r"[a-z][a-z0-9]{0,9}")
INSTANCE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{2}")
NETNS_DIR = Path("/run/netns")


@dataclass(frozen=True)
class Settings:
    """One lab on this machine.

    :param prefix: starts the name of every network namespace of the lab.
    :param home: state directory shared by all labs (``base/`` cached roots, ``run/PREFIX/`` one lab).
    """

    prefix: str = "roth"
    home: Path = Path("/var/lib/roth-lab")

    def __post_init__(self) -> None:
        # No hyphen: PREFIX-NODE must not be read as a name of another lab. Ten characters keep the status table narrow.
        if not PREFIX.fullmatch(self.prefix):
            raise LabError(
                f"ROTH_LAB_PREFIX={self.prefix!r}: expected 1 to 10 lower-case letters and digits, a letter first"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read ROTH_LAB_PREFIX and ROTH_LAB_DIR; raise LabError for a prefix that cannot be used."""
        return cls(
            prefix=environment.get("ROTH_LAB_PREFIX") or cls.prefix,
            home=Path(environment.get("ROTH_LAB_DIR") or cls.home),
        )

    @property
    def run_dir(self) -> Path:
        """What this lab keeps while it is up; removed by ``down``."""
        return self.home / "run" / self.prefix

    @property
    def lock_file(self) -> Path:
        """Held by whoever changes this lab."""
        return self.home / "run" / f"{self.prefix}.lock"

    @property
    def instances_file(self) -> Path:
        """Which instances are plugged, as JSON."""
        return self.run_dir / "instances.json"

    @property
    def inventory_file(self) -> Path:
        """Which inventory folder the lab was brought up with."""
        return self.run_dir / "inventory"

    @property
    def clouds_file(self) -> Path:
        """How this machine reaches the lab's Neutron: clouds.yaml, for OS_CLIENT_CONFIG_FILE."""
        return self.run_dir / "clouds.yaml"

    def inventory(self, default: Path) -> Path:
        """The folder that the lab was brought up with, or the default for a lab that is not up."""
        try:
            return Path(self.inventory_file.read_text().strip())
        except FileNotFoundError:
            return default

    def node_dir(self, node: str) -> Path:
        """Overlay, log and pid files of a node."""
        return self.run_dir / node

    def netns(self, node: str) -> str:
        """Name of a node's network namespace."""
        return f"{self.prefix}-{node}"

    def instance_netns(self, port_id: str) -> str:
        """Name of the network namespace of the instance behind a Neutron port."""
        return f"{self.prefix}-i-{port_id[:11]}"

    def is_instance_netns(self, name: str) -> bool:
        """Whether a network namespace is one of this lab's instances."""
        start = f"{self.prefix}-i-"
        return name.startswith(start) and INSTANCE_ID.fullmatch(name[len(start) :]) is not None


def netns_path(name: str) -> Path:
    """The file iproute2 keeps for a named network namespace."""
    return NETNS_DIR / name
