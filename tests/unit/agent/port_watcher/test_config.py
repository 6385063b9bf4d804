"""/etc/roth/ports.json: what is wrong is told by its key, all of it at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from roth.config import ConfigError
from roth.port_watcher.config import load, parse

NETWORK = {"name": "mobile", "bridge": "br-mobile", "subnets": [{"cidr": "10.64.0.0/16"}]}
LEAST = {"host": "hv1", "cloud": "lab", "networks": [NETWORK]}


def config(**changes: object):
    return parse(json.dumps({**LEAST, **changes}))


def test_the_least_that_is_needed_is_enough() -> None:
    found = config()
    assert (found.host, found.cloud, found.networks[0].bridge) == ("hv1", "lab", "br-mobile")
    assert (found.timing.period, found.stale_after, found.limit.percent, found.limit.floor) == (60, 300, 20, 4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host": ""}, "host: '' is not the name"),
        ({"cloud": 7}, "cloud: 7 is not"),
        ({"networks": {}}, "networks: {} is not a list"),
        ({"networks": [{"name": "mobile"}]}, "networks: roth_provider_networks[0]: 'subnets' is missing"),
        ({"loopbacks": ["192.0.2"]}, "loopbacks: ['192.0.2'] is not a list of addresses"),
        ({"protocol": 256}, "protocol: 256 is not a route protocol number"),
        ({"table": "142"}, "table: '142' is not a routing table number"),
        ({"timeout": 0}, "timeout: 0 is not seconds"),
        ({"timing": {"period": 0}}, "timing: {'period': 0} is not"),
        ({"timing": {"periode": 60}}, "timing: {'periode': 60} is not a mapping of period, jitter"),
        ({"max_removed_percent": 101}, "max_removed_percent: 101 is not"),
        ({"lists": ["/a", "/b"]}, "lists: ['/a', '/b'] is not a mapping of routes and taps"),
        ({"ovsdb": "ssl:127.0.0.1:6640"}, "ovsdb: 'ssl:127.0.0.1:6640' is not tcp:ADDRESS:PORT, unix:PATH, or empty"),
        ({"ovsdb": "tcp:::1:6640"}, "ovsdb: 'tcp:::1:6640' is not"),
        ({"ovsdb": "tcp:127.0.0.1:65536"}, "ovsdb: 'tcp:127.0.0.1:65536' is not"),
        ({"ovsdb": "tcp:127.0.0.1"}, "ovsdb: 'tcp:127.0.0.1' is not"),
        ({"ovsdb": 6640}, "ovsdb: 6640 is not"),
        ({"statusfile": "x"}, "statusfile: unknown key, expected one of host, cloud"),
    ],
)
def test_a_mistake_is_told_by_its_key(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config(**changes)
    assert said in str(refused.value)


@pytest.mark.parametrize("target", ["", "tcp:127.0.0.1:6640", "tcp:[::1]:6640", "unix:/run/openvswitch/db.sock"])
def test_open_vswitch_s_database_is_where_its_own_tools_say(target: str) -> None:
    assert config(ovsdb=target).ovsdb == target


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"^table: .*; timeout: .*"):
        config(table=0, timeout=-1)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(str(tmp_path / "ports.json"))
