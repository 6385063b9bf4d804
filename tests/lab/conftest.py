"""The proofs run against a lab that is up and deployed: `make lab`, or molecule's verify."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .disagreements import unwatched
from .fabric import Fabric, eventually
from .playbooks import with_neutron


@pytest.fixture(scope="session")
def fabric() -> Fabric:
    return Fabric.running()


def ailments(fabric: Fabric) -> list[str]:
    """Sessions, BFD and defaults that are not as they should be, on hosts and switches."""
    found = []
    for host in fabric.hosts:
        status = fabric.status(host)
        if not status:
            found.append(f"{host}: no answer from the agent")
            continue
        found += [f"{host}: {it['peer']} {it['state']}" for it in status["sessions"] if it["state"] != "established"]
        found += [f"{host}: BFD {it['peer']} {it['state']}" for it in status["bfd"] if it["state"] != "up"]
        found += [f"{host}: {it}" for it in status["defaults"] if len(it["uplinks"]) != 2 or not it["installed"]]
    for name in fabric.switches:
        try:
            state = fabric.switch(name)
        except pytest.fail.Exception as failure:  # its daemons are being started again
            found.append(str(failure))
            continue
        found += [
            f"{name}: {session.peer} {session.state}" for session in state.sessions if session.state != "established"
        ]
        found += [f"{name}: BFD {session.peer} {session.state}" for session in state.bfd if session.state != "up"]
    return found


@pytest.fixture
def whole(fabric: Fabric) -> Iterator[Fabric]:
    """A fabric in which all sessions are up, before the test and after it: a proof leaves nothing broken behind."""
    eventually(lambda: ailments(fabric), lambda found: not found, "all sessions up", 120)
    yield fabric
    eventually(lambda: ailments(fabric), lambda found: not found, "all sessions up again", 120)


@pytest.fixture
def alone(whole: Fabric) -> Iterator[None]:
    """Nobody but the test and its playbooks changes the hosts' routes: a port watcher would remove what it adds."""
    with unwatched(whole):
        yield


@pytest.fixture
def ports_in_a_file() -> None:
    """For proofs that change the document of ports: in a lab with a Neutron nobody reads one."""
    if with_neutron():
        pytest.skip("this lab's ports are in Neutron (tests/neutron), and not in a file")
