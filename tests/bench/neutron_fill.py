"""Fills Neutron's database with copies of one port; runs on the controller, in Neutron's own environment.

Usage: neutron_fill.py SQLALCHEMY_URL agents HOSTS
       neutron_fill.py SQLALCHEMY_URL ports PORT FIRST LAST PORTS_A_HOST

The first writes a row for the layer-2 agent of each of hosts hv1 … hvN, alive for ever, which is all that Neutron asks
for when it maps segments and binds a port. The second makes the copies.

The port PORT was made by the API. Each of the copies FIRST to LAST (numbers from 0, the last not included) gets a row
of its own in every table in which the model has one: whatever refers to `ports.id` is copied, found by the schema's
foreign keys and not by a list that a release could outgrow. Host, segment, MAC and addresses are the copy's own: copy
N is on host hv(1 + N // PORTS_A_HOST), with the segment of that host's physical network.
"""

from __future__ import annotations

import datetime
import json
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

Row = dict[str, object]
AT_ONCE = 1000
FIRST_V4, FIRST_V6 = IPv4Address("10.64.16.0"), IPv6Address("2001:db8:64::1:0")
"""Addresses of copy 0; the others follow."""


def identity(number: int) -> str:
    """A copy's id. Its first eleven characters are its tap's name, so they differ."""
    return f"{number:08x}-{number & 0xFFFF:04x}-4000-8000-{number:012x}"


def copy(table: str, row: Mapping[str, object], number: int, host: str, segment: str, standard: int) -> Row:
    """One row of the model's for one copy. `segment` is that of the host, `standard` the id in standardattributes."""
    made: Row = {**row}
    if "port_id" in made:
        made["port_id"] = identity(number)
    if "host" in made:
        made["host"] = host
    if table == "ports":
        mac = f"fa:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        made |= {"id": identity(number), "name": f"copy-{number}", "mac_address": mac, "standard_attr_id": standard}
    if table == "ipallocations":
        first = FIRST_V6 if ":" in str(row["ip_address"]) else FIRST_V4
        made["ip_address"] = str(first + number)
    if table == "ml2_port_binding_levels":
        made["segment_id"] = segment
    return made


def tables_of(metadata: sa.MetaData) -> list[sa.Table]:
    """All tables with a row of a port's, after those that they refer to."""
    ports = metadata.tables["ports"]
    return [
        table
        for table in metadata.sorted_tables
        if any(key.column is ports.c.id and key.parent.name == "port_id" for key in table.foreign_keys)
    ]


def _rows(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> list[Row]:
    return [dict(row) for row in connection.execute(table.select().where(where)).mappings()]


def _parts(numbers: range) -> Iterator[range]:
    return (numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE))


def fill(engine: sa.Engine, model: str, numbers: range, a_host: int) -> None:
    """Make the copies of these numbers."""
    import sqlalchemy as sa  # Neutron's environment has it

    metadata = sa.MetaData()
    metadata.reflect(engine)
    tables = metadata.tables
    with engine.begin() as connection:
        (port,) = _rows(connection, tables["ports"], tables["ports"].c.id == model)
        attributes = tables["standardattributes"]
        (standard,) = _rows(connection, attributes, attributes.c.id == port["standard_attr_id"])
        highest = int(connection.execute(sa.select(sa.func.max(attributes.c.id))).scalar_one())
        own = {table.name: _rows(connection, table, table.c.port_id == model) for table in tables_of(metadata)}
        segments = tables["networksegments"]
        of_network = _rows(connection, segments, segments.c.network_id == port["network_id"])
        by_host = {str(row["physical_network"]).rpartition("-")[2]: str(row["id"]) for row in of_network}
        for part in _parts(numbers):
            ids = {number: highest + 1 + index for index, number in enumerate(part)}
            highest += len(part)
            connection.execute(attributes.insert(), [{**standard, "id": each} for each in ids.values()])
            for name, rows in {"ports": [port], **own}.items():
                copies = [
                    copy(name, row, number, host, by_host[host], ids[number])
                    for number in part
                    for host in [f"hv{1 + number // a_host}"]
                    for row in rows
                ]
                if copies:
                    connection.execute(tables[name].insert(), copies)
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE TABLE " + ", ".join(["ports", *own]))  # as the server would, in time


def agent(host: str) -> Row:
    """A row of `agents`, as the report of neutron-openvswitch-agent on a host would make it."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    configuration = {
        "bridge_mappings": {f"rpn-{host}": "br-mobile"},
        "integration_bridge": "br-int",
        "datapath_type": "system",
        "tunnel_types": [],
    }
    return {
        "id": str(uuid.uuid4()),
        "agent_type": "Open vSwitch agent",
        "binary": "neutron-openvswitch-agent",
        "topic": "N/A",
        "host": host,
        "admin_state_up": True,
        "created_at": now,
        "started_at": now,
        "heartbeat_timestamp": datetime.datetime(2099, 1, 1),
        "configurations": json.dumps(configuration),
        "load": 0,
        "availability_zone": "nova",
    }


def write_agents(engine: sa.Engine, hosts: Sequence[str]) -> None:
    """One agent a host, and no other."""
    import sqlalchemy as sa

    agents = sa.Table("agents", sa.MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        connection.execute(agents.delete())
        connection.execute(agents.insert(), [agent(host) for host in hosts])


def main(arguments: Sequence[str]) -> None:
    """Do what the command line says."""
    import sqlalchemy as sa

    url, what, *rest = arguments
    engine = sa.create_engine(url)
    if what == "agents":
        write_agents(engine, [f"hv{number}" for number in range(1, int(rest[0]) + 1)])
        return
    model, first, last, a_host = rest
    fill(engine, model, range(int(first), int(last)), int(a_host))


if __name__ == "__main__":
    main(sys.argv[1:])
