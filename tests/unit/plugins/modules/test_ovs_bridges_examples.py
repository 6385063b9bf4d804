"""The EXAMPLES of ovs_bridges are tasks that it accepts, and its documentation is complete."""

from __future__ import annotations

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.options import check_options, parse_bridges
from ansible_collections.roth.fabric.plugins.module_utils.openvswitch.plan import plan_bridges
from ansible_collections.roth.fabric.plugins.modules.ovs_bridges import ARGUMENTS, result_of

from tests.unit.plugins.modules.examples import load, tasks

MODULE = "ovs_bridges"


@pytest.mark.parametrize(("_name", "arguments"), tasks([MODULE]))
def test_an_example_is_accepted(_name, arguments):
    result = ArgumentSpecValidator(ARGUMENTS).validate(arguments)
    assert result.error_messages == []
    check_options(result.validated_parameters)
    assert len(parse_bridges(result.validated_parameters)) == len(arguments["bridges"])


def test_each_option_is_documented_with_its_type_and_default():
    def shape(options, inner):
        return {
            name: (each["type"], each.get("default"), each.get("choices"), shape(each.get(inner, {}), inner))
            for name, each in options.items()
        }

    assert shape(yaml.safe_load(load(MODULE).DOCUMENTATION)["options"], "suboptions") == shape(ARGUMENTS, "options")


def test_what_is_returned_is_documented():
    returned = set(result_of(plan_bridges([], {}))) - {"changed", "diff"}
    assert returned == set(yaml.safe_load(load(MODULE).RETURN))
