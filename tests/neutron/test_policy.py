"""The policy that the guide gives to whoever may only read, asked of Neutron's own policy engine on the controller."""

from __future__ import annotations

import json
import re

import pytest

from tests.lab.fabric import ROOT, Fabric

from .cloud import CONTROLLER

READ = (
    "get_port",
    "get_port:binding:host_id",
    "get_port:binding:vif_type",
    "get_port:binding:profile",
    "get_network",
    "get_subnet",
)
OTHER = (
    "get_port:binding:vif_details",
    "get_port_binding",
    "update_port",
    "update_port:binding:host_id",
    "update_port:binding:profile",
    "create_port_binding",
    "delete_port_binding",
    "activate",
    "delete_port",
    "delete_network",
)
ASK = """
import json, sys, warnings
warnings.simplefilter("ignore")
from oslo_config import cfg
from neutron.common import config
from neutron import policy
from neutron_lib import context
cfg.CONF(["--config-file", "/etc/neutron/neutron.conf", "--config-file", sys.argv[1]], project="neutron")
policy.init()
foreign = {"id": "x", "network_id": "n", "shared": False, "router:external": False}
foreign |= {key: "theirs" for key in ("project_id", "tenant_id", "network:project_id", "network:tenant_id")}
found = {}
for role in ("roth_ports_reader", "reader", "member"):
    who = context.Context(user_id="u", project_id="ours", roles=[role], is_admin=False, overwrite=False)
    allowed = [each for each in sys.argv[2:] if policy.check(who, each, dict(foreign))]
    found[role] = {"everywhere": who.has_global_access, "allowed": allowed}
print(json.dumps(found))
"""


@pytest.fixture
def policy(fabric: Fabric) -> str:
    """A configuration on the controller that names the page's policy.yaml."""
    page = (ROOT / "docs" / "deployment-guide-neutron.md").read_text()
    (text,) = re.findall(r'^```yaml\n("context_with_global_access".*?)^```$', page, re.MULTILINE | re.DOTALL)
    write = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    path, configuration = "/tmp/policy-of-the-guide.yaml", "/tmp/policy-of-the-guide.conf"
    fabric.run(CONTROLLER, "python3", "-c", write, path, text)
    fabric.run(CONTROLLER, "python3", "-c", write, configuration, f"[oslo_policy]\npolicy_file = {path}\n")
    return configuration


def test_the_rules_for_floating_ips_add_just_these(fabric: Fabric, policy: str) -> None:
    page = (ROOT / "docs" / "neutron.md").read_text()
    (text,) = re.findall(r'^```yaml\n("get_floatingip".*?)^```$', page, re.MULTILINE | re.DOTALL)
    append = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    fabric.run(CONTROLLER, "python3", "-c", append, "/tmp/policy-of-the-guide.yaml", text)
    more = ("get_floatingip", "get_floatingip:tags", "get_router", "get_router:distributed")
    other = ("get_router:ha", "update_floatingip", "delete_floatingip", "update_router", "delete_router")
    said = fabric.run(CONTROLLER, "/opt/neutron/bin/python3", "-c", ASK, policy, *READ, *more, *OTHER, *other)
    found = json.loads(said.splitlines()[-1])
    assert found["roth_ports_reader"]["allowed"] == [*READ, *more]
    assert found["reader"]["allowed"] == found["member"]["allowed"] == []


def test_the_role_of_the_guide_reads_all_ports_and_changes_nothing(fabric: Fabric, policy: str) -> None:
    said = fabric.run(CONTROLLER, "/opt/neutron/bin/python3", "-c", ASK, policy, *READ, *OTHER)
    found = json.loads(said.splitlines()[-1])
    assert found == {
        "roth_ports_reader": {"everywhere": True, "allowed": list(READ)},
        "reader": {"everywhere": False, "allowed": []},
        "member": {"everywhere": False, "allowed": []},
    }
