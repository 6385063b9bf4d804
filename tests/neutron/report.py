"""Reports a layer-2 agent to Neutron over the message bus, as the agent itself does. Usage: report.py HOST

Runs on the controller, in Neutron's own environment.
"""

from __future__ import annotations

import sys

from neutron.agent.rpc import PluginReportStateAPI
from neutron.common import config
from neutron.conf.agent.common import register_agent_state_opts_helper
from neutron_lib import context, rpc
from oslo_config import cfg


def main(host: str) -> None:
    config.register_common_config_options()
    register_agent_state_opts_helper(cfg.CONF)
    config.init(["--config-file", "/etc/neutron/neutron.conf", "--config-file", "/etc/neutron/backends.conf"])
    rpc.init(cfg.CONF)
    state = {
        "binary": "neutron-openvswitch-agent",
        "host": host,
        "topic": "N/A",
        "agent_type": "Open vSwitch agent",
        "configurations": {"bridge_mappings": {}},
        "start_flag": True,
    }
    PluginReportStateAPI("q-reports-plugin").report_state(
        context.get_admin_context_without_session(), state, use_call=True
    )


if __name__ == "__main__":
    main(sys.argv[1])
