"""What the kernel package may import, and that it can be imported without pyroute2."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[5]
SOURCES = sorted((ROOT / "plugins" / "module_utils" / "kernel").glob("*.py"))


def imports(path):
    """(level, module) of each import statement."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_agents_wheel_can_carry_the_package_as_it_is(path):
    for level, module in imports(path):
        assert level in (0, 1), f"from {'.' * level}{module}: leaves the package"
        if level == 0:
            allowed = sys.stdlib_module_names | ({"pyroute2"} if path.name == "netlink.py" else set())
            assert module.split(".")[0] in allowed, f"import {module}"


WITHOUT = """
import importlib, sys
sys.modules["pyroute2"] = None
sys.path[:0] = {path!r}
from ansible.module_utils.testing import patch_module_args
module = importlib.import_module("ansible_collections.roth.fabric.plugins.modules.{name}")
with patch_module_args({arguments!r}):
    module.main()
"""


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("host_routes", {"routes": ["10.64.1.53/32 dev lo"]}),
        ("host_routes_info", {}),
        ("nexthop_group", {"id": 1, "state": "absent"}),
        ("neighbors", {"neighbors": []}),
    ],
)
def test_a_module_without_pyroute2_says_so(name, arguments):
    script = WITHOUT.format(path=[entry for entry in sys.path if entry], name=name, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert "Failed to import the required Python library (pyroute2)" in done.stdout
