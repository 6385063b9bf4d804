"""A release comes to a host without a loss; one that does not come up goes again, and the run stops."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from ansible_collections.roth.fabric.plugins.module_utils.software.wheels import inputs_digest, wheelhouse_digest

from .conftest import ailments
from .fabric import INVENTORY, ROOT, Fabric
from .playbooks import attempt, play

RATE = 1000
CACHE = Path("~/.cache/roth-fabric/wheelhouse").expanduser()
ANOTHER = "# another release\n"
BROKEN = {
    # what is tried of the agent beforehand goes well, but it does not start
    "agent": "_main = main\ndef main() -> int:\n    if '--check' in sys.argv:\n        return _main()\n"
    "    raise SystemExit('broken on purpose')\n",
    "bridge": "def main() -> int:\n    raise SystemExit('broken on purpose')\n",
}


def wheelhouse(folder: Path, module: str, appended: str) -> Path:
    """The current release's wheels, with a text at the end of one module of ours."""
    digest = inputs_digest(ROOT / "requirements" / "host.txt", ROOT / "agent")
    shutil.copytree(CACHE / digest, folder)
    wheel = next(folder.glob("roth*.whl"))
    with zipfile.ZipFile(wheel) as old:
        members = [(info, old.read(info)) for info in old.infolist()]
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as new:
        for info, content in members:
            new.writestr(info, content + (f"\n\n{appended}".encode() if info.filename == f"roth/{module}.py" else b""))
    return folder


def current(fabric: Fabric, host: str) -> str:
    """The release that is current on a host."""
    return fabric.run(host, "readlink", "/opt/roth/current").strip().rpartition("/")[2]


def started(fabric: Fabric, host: str) -> dict[str, str]:
    """When each service was last started."""
    show = ("systemctl", "show", "--property=ExecMainStartTimestampMonotonic", "--value")
    return {unit: fabric.run(host, *show, unit).strip() for unit in ("roth-agent", "roth-exabgp", "roth-bfdd")}


@pytest.fixture
def upgradable(whole: Fabric) -> Iterator[Fabric]:
    """The hosts have the checkout's own release again when the test is over."""
    release = current(whole, "hv1")
    yield whole
    if {current(whole, host) for host in ("hv1", "hv2")} != {release}:
        play("upgrade.yml", INVENTORY, "--limit", "hv1,hv2")


@pytest.mark.slow
def test_an_upgrade_loses_no_packet_and_withdraws_no_prefix(
    upgradable: Fabric, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = wheelhouse(tmp_path / "wheels", "agent", ANOTHER)
    before, starts = {name: upgradable.prefixes_at(name) for name in upgradable.switches}, started(upgradable, "hv1")
    with ExitStack() as stack:
        monitors = {name: stack.enter_context(upgradable.monitoring(name)) for name in (*upgradable.switches, "hv1")}
        with upgradable.streaming("client", upgradable.addresses("hv1"), rate=RATE) as stream:
            play("upgrade.yml", INVENTORY, "--limit", "hv1", "-e", f"host_software_wheelhouse={ready}")
    with capsys.disabled():
        print(f"\nupgrade of hv1: {stream.result}")
    assert current(upgradable, "hv1") == wheelhouse_digest(ready.glob("*.whl"))
    now = started(upgradable, "hv1")
    assert {unit for unit in now if now[unit] != starts[unit]} == {"roth-agent", "roth-exabgp"}
    gone = {name: [c for c in monitor.changes if c.deleted] for name, monitor in monitors.items()}
    assert gone == {name: [] for name in monitors}
    assert {name: upgradable.prefixes_at(name) for name in upgradable.switches} == before
    assert stream.result.lost == 0, stream.result


@pytest.mark.slow
@pytest.mark.parametrize("module", ["agent", "bridge"])
def test_a_release_that_does_not_come_up_is_taken_back_and_the_run_stops(
    upgradable: Fabric, tmp_path: Path, module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = wheelhouse(tmp_path / "wheels", module, BROKEN[module])
    releases = {host: current(upgradable, host) for host in ("hv1", "hv2")}
    starts = started(upgradable, "hv2")
    before = {name: upgradable.prefixes_at(name) for name in upgradable.switches}
    with ExitStack() as stack:
        monitors = {name: stack.enter_context(upgradable.monitoring(name)) for name in upgradable.switches}
        with upgradable.streaming("client", upgradable.addresses("hv1"), rate=RATE) as stream:
            run = attempt("upgrade.yml", INVENTORY, "--limit", "hv1,hv2", "-e", f"host_software_wheelhouse={ready}")
    with capsys.disabled():
        print(f"\n{module} broken and put back on hv1: {stream.result}")
    assert run.code != 0, run.output
    broken = wheelhouse_digest(ready.glob("*.whl"))
    said = " ".join(run.output.split())
    assert f"hv1: release {broken} did not come up." in said, run.output
    assert f"Release {releases['hv1']} is back, and the host was verified with it" in said, run.output
    assert {host: current(upgradable, host) for host in releases} == releases
    assert started(upgradable, "hv2") == starts, "the next host was not touched"
    gone = {name: [c for c in monitor.changes if c.deleted] for name, monitor in monitors.items()}
    assert gone == {name: [] for name in monitors}
    assert {name: upgradable.prefixes_at(name) for name in upgradable.switches} == before
    assert stream.result.lost == 0, stream.result


@pytest.mark.slow
@pytest.mark.usefixtures("alone")
def test_an_upgrade_refuses_a_host_that_is_not_healthy(upgradable: Fabric, tmp_path: Path) -> None:
    ready = wheelhouse(tmp_path / "wheels", "agent", ANOTHER)
    release = current(upgradable, "hv1")
    route = ("192.0.2.11/32", "dev", "lo", "proto", "142", "table", "142")
    upgradable.ip("hv1", "route", "del", *route)
    try:
        options = ("--limit", "hv1,hv2", "-e", f"host_software_wheelhouse={ready}", "-e", "verify_timeout=1")
        run = attempt("upgrade.yml", INVENTORY, *options)
    finally:
        upgradable.ip("hv1", "route", "add", *route, "scope", "link")
    assert run.code != 0, run.output
    assert "hv1: 192.0.2.11/32" in run.output, run.output
    assert {host: current(upgradable, host) for host in ("hv1", "hv2")} == {"hv1": release, "hv2": release}
    assert ailments(upgradable) == []
