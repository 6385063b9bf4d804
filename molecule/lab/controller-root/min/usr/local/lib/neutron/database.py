"""Makes Neutron's database: the newest schema, and a row for the layer-2 agent of each host.

Usage: database.py SQLALCHEMY_URL AGENTS_JSON, the latter with bridges by physical network by host. What is there stays,
but the agents' rows, which become those of the file.

``neutron-db-manage`` cannot migrate SQLite, so the schema is created from Neutron's models. No agent reports itself
without a message bus, so its row has to be written: Neutron binds a port to a host only if an agent there is alive and
knows the network. With the rows in place before the segments are made, Neutron itself maps each segment to its hosts.
"""

from __future__ import annotations

import datetime
import json
import sys
import uuid
from pathlib import Path

import sqlalchemy as sa
from neutron.db.migration.models import head  # imports every model

ALIVE = datetime.datetime(2099, 1, 1)  # Neutron's columns have no time zone
AGENT = "Open vSwitch agent"


def make_schema(engine: sa.Engine) -> None:
    """Create the tables that are not there."""
    with engine.connect() as connection:
        connection.execute(sa.text("PRAGMA journal_mode=WAL"))  # readers don't wait for a writer
    head.get_metadata().create_all(engine)


def agent(host: str, mappings: dict[str, str]) -> dict[str, object]:
    """A row of ``agents`` as neutron-openvswitch-agent's first report would make it."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    configuration = {
        "bridge_mappings": mappings,
        "integration_bridge": "br-int",
        "datapath_type": "system",
        "tunnel_types": [],
        "tunneling_ip": None,
        "ovs_hybrid_plug": False,
        "ovs_capabilities": {"datapath_types": ["system"], "iface_types": []},
        "extensions": ["dhcp"],
    }
    return {
        "id": str(uuid.uuid4()),
        "agent_type": AGENT,
        "binary": "neutron-openvswitch-agent",
        "topic": "N/A",
        "host": host,
        "admin_state_up": True,
        "created_at": now,
        "started_at": now,
        "heartbeat_timestamp": ALIVE,
        "configurations": json.dumps(configuration),
        "load": 0,
        "availability_zone": "nova",
    }


def replace_agents(engine: sa.Engine, hosts: dict[str, dict[str, str]]) -> None:
    """Make the layer-2 agents those of the given hosts."""
    agents = sa.Table("agents", sa.MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        connection.execute(agents.delete().where(agents.c.agent_type == AGENT))
        for host, mappings in hosts.items():
            connection.execute(agents.insert().values(**agent(host, mappings)))


def main(url: str, agents: Path) -> None:
    """Make what is missing."""
    engine = sa.create_engine(url)
    make_schema(engine)
    replace_agents(engine, json.loads(agents.read_text()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
