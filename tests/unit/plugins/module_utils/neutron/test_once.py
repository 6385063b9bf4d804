"""Neutron is asked once by all that ask at about the same time, whoever they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.neutron.cloud import NeutronError
from ansible_collections.roth.fabric.plugins.module_utils.neutron.once import MAX_AGE, read_once
from recorded_neutron import RecordedNeutron


class Clouds:
    """Counts connections; each cloud answers what was recorded."""

    def __init__(self, spoil=None):
        self.connected = []
        self._spoil = spoil

    def __call__(self, name, timeout):
        self.connected.append((name, timeout))
        return RecordedNeutron(spoil=self._spoil)


def names(document):
    return sorted(network["name"] for network in document["networks"])


def test_hosts_that_ask_at_the_same_time_cause_one_read(tmp_path):
    clouds = Clouds()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(read_once, tmp_path, "hq", ["mobile", "pinned"], 5.0, clouds) for _host in range(16)]
        documents = [each.result() for each in asked]
    assert clouds.connected == [("hq", 5.0)]
    assert all(document == documents[0] for document in documents)
    assert names(documents[0]) == ["mobile", "pinned"]


def test_a_host_with_some_of_the_networks_takes_the_same_answer(tmp_path):
    clouds = Clouds()
    read_once(tmp_path, "hq", ["mobile", "pinned"], 5.0, clouds)
    assert names(read_once(tmp_path, "hq", ["pinned"], 5.0, clouds)) == ["mobile", "pinned"]
    assert len(clouds.connected) == 1


def test_a_network_that_was_not_asked_for_is_read_with_the_others(tmp_path):
    clouds = Clouds()
    read_once(tmp_path, "hq", ["mobile"], 5.0, clouds)
    assert names(read_once(tmp_path, "hq", ["pinned"], 5.0, clouds)) == ["mobile", "pinned"]


def test_clouds_are_kept_apart(tmp_path):
    clouds = Clouds()
    read_once(tmp_path, "hq", ["mobile"], 5.0, clouds)
    read_once(tmp_path, "branch/../hq", ["mobile"], 5.0, clouds)
    assert [name for name, _timeout in clouds.connected] == ["hq", "branch/../hq"]
    assert all(path.parent == tmp_path for path in tmp_path.rglob("*"))


def test_the_next_run_reads_again(tmp_path):
    clouds = Clouds()
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        read_once(tmp_path / run, "hq", ["mobile"], 5.0, clouds)
    assert len(clouds.connected) == 2


@pytest.mark.parametrize(
    ("later", "reads"), [(MAX_AGE - 1, 1), (MAX_AGE, 2), (-1.0, 2)], ids=["still fresh", "too old", "clock set back"]
)
def test_a_later_batch_of_a_long_run_reads_again(tmp_path, later, reads):
    clouds = Clouds()
    for now in (1000.0, 1000.0 + later):
        read_once(tmp_path, "hq", ["mobile"], 5.0, clouds, clock=lambda now=now: now)
    assert len(clouds.connected) == reads


def test_the_age_counts_from_the_answers_end(tmp_path):
    clouds, now = Clouds(), [1000.0]

    def slowly(name, timeout):
        now[0] += 5 * MAX_AGE
        return clouds(name, timeout)

    for _host in range(2):
        read_once(tmp_path, "hq", ["mobile"], 5.0, slowly, clock=lambda: now[0])
    assert len(clouds.connected) == 1


def test_an_old_answer_is_not_given_for_one_that_fails(tmp_path):
    def refuse(_kind, _answer):
        raise NeutronError("refused", "HTTP 401")

    read_once(tmp_path, "hq", ["mobile"], 5.0, Clouds(), clock=lambda: 1000.0)
    with pytest.raises(NeutronError, match="401"):
        read_once(tmp_path, "hq", ["mobile"], 5.0, Clouds(refuse), clock=lambda: 1000.0 + MAX_AGE)


def test_a_failure_is_not_kept(tmp_path):
    def refuse(_kind, _answer):
        raise NeutronError("refused", "HTTP 401")

    with pytest.raises(NeutronError, match="401"):
        read_once(tmp_path, "hq", ["mobile"], 5.0, Clouds(refuse))
    assert names(read_once(tmp_path, "hq", ["mobile"], 5.0, Clouds())) == ["mobile"]
