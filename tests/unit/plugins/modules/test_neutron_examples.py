"""The EXAMPLES of the modules on Neutron are tasks that the modules accept, and their documentation is complete."""

from __future__ import annotations

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.roth.fabric.plugins.module_utils.neutron.routed import routed_network
from ansible_collections.roth.fabric.plugins.module_utils.neutron_module import CLOUD

from tests.unit.plugins.modules.examples import load, tasks

MODULES = ("routed_network", "neutron_ports_info")


@pytest.mark.parametrize(("name", "arguments"), tasks(MODULES))
def test_an_example_is_accepted(name, arguments):
    given = {key: [{"name": "x"}] if key == "networks" else value for key, value in arguments.items()}
    result = ArgumentSpecValidator(load(name).ARGUMENTS).validate(given)
    assert result.error_messages == []
    found = result.validated_parameters
    if name == "routed_network" and found["state"] == "present":
        routed_network(found["name"], found["segments"], found["subnets"], found["shared"], found["mtu"])


def described(options):
    return {
        key: (value["type"], value.get("default"), value.get("choices"), described(value.get("suboptions") or {}))
        for key, value in options.items()
    }


def specified(arguments):
    return {
        key: (value["type"], value.get("default"), value.get("choices"), specified(value.get("options") or {}))
        for key, value in arguments.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_each_option_is_documented_with_its_type_default_and_choices(name):
    module = load(name)
    own = {key: value for key, value in module.ARGUMENTS.items() if key not in CLOUD}
    assert specified(own) == described(yaml.safe_load(module.DOCUMENTATION)["options"])


@pytest.mark.parametrize("name", MODULES)
def test_each_module_has_an_example_and_documents_what_it_returns(name):
    assert any(task.values[0] == name for task in tasks(MODULES))
    assert all("description" in value for value in yaml.safe_load(load(name).RETURN).values())
