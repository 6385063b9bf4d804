"""inventories/lab as the filters see it: Neutron's answer, and the variables of all hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

LAB = Path(__file__).resolve().parents[3] / "inventories" / "lab"
DOCUMENT = json.loads((LAB / "neutron.json").read_text())
HOSTS = ["hv1", "hv2", "hv3"]


def variables_of_all() -> dict[str, dict[str, Any]]:
    """By host, with nothing that two of them or two calls share."""
    everyone = (LAB / "group_vars" / "all.yml").read_text()
    return {
        file.stem: {**yaml.safe_load(everyone), **yaml.safe_load(file.read_text())}
        for file in sorted((LAB / "host_vars").glob("*.yml"))
    }
