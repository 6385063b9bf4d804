"""The EXAMPLES of the modules on the kernel are tasks that the modules accept, and their documentation is complete."""

from __future__ import annotations

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.roth.fabric.plugins.module_utils.kernel.neighbors import parse_neighbors
from ansible_collections.roth.fabric.plugins.module_utils.kernel.routes import parse_routes
from ansible_collections.roth.fabric.plugins.module_utils.kernel_module import PROTOCOL, TABLE

from tests.unit.plugins.modules.examples import load, tasks

MODULES = ("host_routes", "host_routes_info", "nexthop_group", "neighbors")


@pytest.mark.parametrize(("name", "arguments"), tasks(MODULES))
def test_an_example_is_accepted(name, arguments):
    specification = getattr(load(name), "ARGUMENTS", {**PROTOCOL, **TABLE})
    result = ArgumentSpecValidator(specification).validate(arguments or {})
    assert result.error_messages == []
    parse_routes(result.validated_parameters.get("routes") or [])
    parse_neighbors(result.validated_parameters.get("neighbors") or [])


@pytest.mark.parametrize("name", MODULES)
def test_each_option_is_documented_with_its_type_and_default(name):
    module = load(name)
    options = yaml.safe_load(module.DOCUMENTATION).get("options", {})
    specification = getattr(module, "ARGUMENTS", {**PROTOCOL, **TABLE})
    own = {key: value for key, value in specification.items() if key not in ("protocol", "table")}
    assert {key: (value["type"], value.get("default")) for key, value in own.items()} == {
        key: (value["type"], value.get("default")) for key, value in options.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_each_module_has_an_example_and_documents_what_it_returns(name):
    assert any(task.values[0] == name for task in tasks(MODULES))
    assert all("description" in value for value in yaml.safe_load(load(name).RETURN).values())
