"""The command line: ``python -m lab`` with ``molecule/`` on PYTHONPATH."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import instances, lab
from .api import Api
from .boot import allow_ping, boot, wait_for_agents
from .errors import LabError
from .instances import INVENTORY
from .settings import Settings
from .topology import FILE, Topology, load

EPILOG = """\
environment:
  ROTH_LAB_PREFIX  name of the lab, and start of its network namespaces' names (default: roth)
  ROTH_LAB_DIR     where base roots and running labs are kept (default: /var/lib/roth-lab)
  ROTH_LAB_SUITE   release of the nodes, such as trixie (default: the topology's, else the machine's own)
"""


def parser() -> argparse.ArgumentParser:
    """The options and commands."""
    root = argparse.ArgumentParser(
        prog="python -m lab",
        description="Routers, hypervisors and instances as namespaces with their own systemd, on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument(
        "--inventory",
        type=Path,
        metavar="DIR",
        help="folder with topology.yml, neutron.json and group_vars/ "
        "(default: the one the lab was brought up with, else inventories/lab of the checkout)",
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("base", help="build the base root of all nodes, or find it in the cache, and print its path")
    commands.add_parser("up", help="bring nodes and links up; what is up stays")
    commands.add_parser("down", help="remove everything that up and plug made")
    commands.add_parser("status", help="a table of the nodes")
    sh = commands.add_parser("sh", help="a shell or a command in a node, or in an instance by its port's name")
    sh.add_argument("target", metavar="NODE|PORT")
    sh.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD", help="a command; a single word goes to bash -c")
    reboot = commands.add_parser("reboot", help="power nodes off and on; only their files stay")
    reboot.add_argument("--hard", action="store_true", help="pull the plug instead of shutting down")
    reboot.add_argument("nodes", nargs="+", metavar="NODE")
    commands.add_parser(
        "boot", help="ask the lab's Neutron for the ports of the inventory's neutron.json, as nova does"
    )
    plug = commands.add_parser("plug", help="plug the instances of Neutron's ports into their hypervisors")
    plug.add_argument("--data", type=Path, metavar="FILE", help="another document than the lab's own")
    plug.add_argument("ports", nargs="*", metavar="PORT", help="name or id of a port (default: all that are bound)")
    unplug = commands.add_parser("unplug", help="remove instances (default: all)")
    unplug.add_argument("ports", nargs="*", metavar="PORT")
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give back its exit code (1: it failed and said why)."""
    arguments = parser().parse_args(argv)
    try:
        return _dispatch(arguments, Settings.from_environment())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130


def _dispatch(arguments: argparse.Namespace, settings: Settings) -> int:
    started = time.monotonic()
    if arguments.command == "down":  # must work with a broken topology file
        lab.down(settings)
        print(f"The lab {settings.prefix} is down ({time.monotonic() - started:.1f} s).")
        return 0
    inventory = arguments.inventory or (INVENTORY if arguments.command == "up" else settings.inventory(INVENTORY))
    topology = load(inventory / FILE)
    if arguments.command == "sh":
        command = lab.command_in(settings, topology, arguments.target, arguments.words)
        os.execvp(command[0], command)  # noqa: S606
    if arguments.command == "base":
        print(lab.build_base(settings, topology))
    elif arguments.command == "up":
        lab.up(settings, topology, inventory)
        print(f"The lab {settings.prefix} is up: {len(topology.nodes)} nodes ({time.monotonic() - started:.1f} s).")
    elif arguments.command == "status":
        print(_table(settings, topology))
    elif arguments.command == "reboot":
        lab.reboot(settings, topology, arguments.nodes, hard=arguments.hard)
        print(f"{', '.join(arguments.nodes)}: up again ({time.monotonic() - started:.1f} s).")
    elif arguments.command == "boot":
        document = instances.read_document(instances.inventory_file(inventory, "neutron.json"))
        api = Api.of(settings, topology)
        if topology.agents:
            wait_for_agents(api, topology.agents)
            allow_ping(api)
        done = boot(api, document, at_once=4 if topology.agents else 1)  # as many as its API has threads
        print(f"Ports: {done} ({time.monotonic() - started:.1f} s).")
    elif arguments.command == "plug":
        with lab.locked(settings, "plug"):
            done = instances.plug(settings, topology, inventory, arguments.data, arguments.ports)
        print(f"Instances: {done} ({time.monotonic() - started:.1f} s).")
    elif arguments.command == "unplug":
        with lab.locked(settings, "unplug"):
            gone = instances.unplug(settings, arguments.ports)
        print(f"Unplugged: {gone}.")
    return 0


def _table(settings: Settings, topology: Topology) -> str:
    rows = [("NODE", "STATE", "PID", "NETNS", "LINKS UP", "INSTANCES")]
    for line in lab.status(settings, topology):
        links = f"{line.links_up}/{line.links}"
        rows.append(
            (line.node, line.state, str(line.pid or "-"), settings.netns(line.node), links, str(line.instances or "-"))
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
