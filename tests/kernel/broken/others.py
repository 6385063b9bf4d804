"""Broken arguments of the modules that only read, and of the wheelhouse."""

from __future__ import annotations

from .arguments import HUGE, Case

OTHER_CASES: list[Case] = [
    (
        "a lock in a place that is none",
        "host_lock",
        {"path": "run/roth.lock"},
        "path = 'run/roth.lock': expected an absolute path of printable characters",
    ),
    ("a lock that ends before it begins", "host_lock", {"expiry": -1}, "expiry = -1: expected 0 to 31536000 seconds"),
    (
        "a line break in the path of a record",
        "host_record",
        {"path": "/var/lib\n/found.json"},
        "path = '/var/lib\\n/found.json': expected an absolute path of printable characters",
    ),
    (
        "a record that is none",
        "host_record",
        {"path": "{tmp}/file"},
        "{tmp}/file: no record of this host's state before "
        "(JSONDecodeError('Expecting value: line 1 column 1 (char 0)')); nothing was changed",
    ),
    ("no uplinks to wait for", "drain_wait", {}, "missing required arguments: drained"),
    (
        "a window without end",
        "drain_wait",
        {"drained": ["up0"], "window": HUGE},
        "window = 10000000000000000000000000000000000000000: expected 0 to 60 seconds",
    ),
    (
        "a relative socket of the agent to wait for",
        "drain_wait",
        {"drained": ["up0"], "agent_socket": "agent.sock"},
        "agent_socket = 'agent.sock': expected an absolute path of printable characters",
    ),
    (
        "a huge table of defaults",
        "fabric_info",
        {"default_table": HUGE},
        "default_table = 10000000000000000000000000000000000000000: expected 1 to 4294967295",
    ),
    ("a protocol beyond a byte", "fabric_info", {"protocol": 256}, "protocol = 256: expected 1 to 255"),
    (
        "an option of systemctl for a unit",
        "fabric_info",
        {"units": ["--host=x\nroth"]},
        "units[0] = '--host=x\\nroth': expected a unit's name, such as roth-agent.service",
    ),
    (
        "a relative agent socket",
        "fabric_info",
        {"agent_socket": "agent.sock"},
        "agent_socket = 'agent.sock': expected an absolute path of printable characters",
    ),
    (
        "an unknown switch software",
        "switch_routes_info",
        {"software": "cumulus"},
        "value of software must be one of: frr, bird, got: cumulus",
    ),
    (
        "a vtysh that is not there",
        "switch_routes_info",
        {"software": "frr", "vtysh": "{tmp}/none"},
        "{tmp}/none: No such file or directory",
    ),
    (
        "neither wheels nor requirements",
        "wheelhouse",
        {"cache": "{tmp}/cache"},
        "one of the following is required: ready, requirements",
    ),
    (
        "wheels and requirements",
        "wheelhouse",
        {"ready": "{tmp}", "requirements": "{tmp}/file"},
        "parameters are mutually exclusive: ready|requirements",
    ),
    (
        "requirements that are not there",
        "wheelhouse",
        {"requirements": "{tmp}/none", "source": "{tmp}/folder"},
        "requirements = '{tmp}/none': expected a file on the controller",
    ),
    (
        "a source that is no package",
        "wheelhouse",
        {"requirements": "{tmp}/file", "source": "{tmp}/folder"},
        "source = '{tmp}/folder': expected a folder with a pyproject.toml on the controller",
    ),
    (
        "a folder without wheels",
        "wheelhouse",
        {"ready": "{tmp}/folder", "cache": "{tmp}/cache"},
        "ready = '{tmp}/folder': expected a folder of wheels on the controller",
    ),
    (
        "a date before zip",
        "wheelhouse",
        {"ready": "{tmp}/folder", "source_date_epoch": 0},
        "source_date_epoch = 0: expected 315532800 to 4354819199 seconds (zip)",
    ),
]
