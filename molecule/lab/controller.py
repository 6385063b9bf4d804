"""A controller: the layer of software that a real Neutron needs, and the files that configure it.

Neutron comes from PyPI in pinned versions (``requirements/neutron.txt``). pip fetches them here, where it knows the
machine's registries and certificates; they are installed within the base root, by its Python, without a network.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .base import build, built_once, log_end, recipe
from .commands import require_tools
from .errors import LabError
from .seed import ETC_SYSTEMD, SeedFile
from .topology import Neutron

FORMAT = 1  # raise when what is done to a layer changes, so that cached ones are built anew
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "neutron.txt"
FILES = Path(__file__).with_name("controller-root")
SERVICES = {"min": ["neutron-api.service"], "full": ["neutron-api.service", "neutron-rpc.service"]}
PACKAGES = {"min": [], "full": ["mariadb-server", "rabbitmq-server"]}
LAYER_TOOLS = {"chroot": "coreutils", "mount": "mount", "unshare": "util-linux"}
BUILDER = "setuptools"  # one of the requirements: it builds those that have no wheel
# $1 the base root, $2 the folder with the build's directories; in namespaces of its own, so that no mount is left
INSTALL = """\
set -eu
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/root,workdir=$2/work" "$2/merged"
mount --bind "$2/wheels" "$2/merged/mnt"
mount --rbind /dev "$2/merged/dev"
mount -t proc proc "$2/merged/proc"
mount -t tmpfs tmpfs "$2/merged/tmp"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/tmp \\
  chroot "$2/merged" sh -eu -c '
    useradd --system --home-dir /var/lib/neutron --no-create-home --shell /usr/sbin/nologin neutron
    rm -f /etc/*-
    python3 -m venv /opt/neutron
    pip="/opt/neutron/bin/pip --disable-pip-version-check install --no-index --no-deps --find-links /mnt"
    $pip --constraint /mnt/requirements.txt setuptools
    $pip --no-build-isolation --requirement /mnt/requirements.txt'
"""


def layer_key(base: Path, requirements: str) -> str:
    """Name of a cached layer: of the same base root and the same requirements, the same."""
    return f"neutron-{hashlib.sha256(chr(10).join([str(FORMAT), base.name, requirements]).encode()).hexdigest()[:12]}"


def build_layer(base: Path, home: Path) -> Path:
    """What a controller has over a base root, from the cache or newly made: user ``neutron``, Neutron in /opt/neutron.

    :raises LabError: when a step fails; the message has the end of its log and the log's path.
    """
    layer = home / "layer" / layer_key(base, REQUIREMENTS.read_text())
    if not layer.is_dir():
        require_tools(LAYER_TOOLS)
    return built_once(layer, "Neutron's software", lambda made: _make(base, made, layer.with_suffix(".log")))


def _make(base: Path, layer: Path, log: Path) -> None:
    place = layer.parent
    for name in ("root", "work", "merged", "wheels"):
        (place / name).mkdir()
    (place / "wheels/requirements.txt").write_text(REQUIREMENTS.read_text())
    log.write_text("")
    _step(log, "fetching Neutron", _download(base, place / "wheels"))
    in_namespace = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    _step(log, "installing Neutron", [*in_namespace, "sh", "-c", INSTALL, "sh", str(base), str(place)])


def _download(base: Path, folder: Path) -> list[str]:
    """The command that fetches what fits the base root's Python; versions are pinned, so nothing is left to resolve."""
    version = (base / "usr/bin/python3").readlink().name.removeprefix("python")
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--python-version", version, "--dest", str(folder), "--requirement", str(REQUIREMENTS)),
    ]


def _step(log: Path, what: str, command: list[str]) -> None:
    with log.open("a") as out:
        failed = subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False).returncode
    if failed:
        raise LabError(f"{what} failed: exit code {failed}; {log_end(log)}")


def layers(neutron: Neutron, suite: str | None, home: Path) -> list[Path]:
    """The trees below a controller's own files, uppermost first: Neutron, and a base root with what it needs."""
    root = build(recipe(suite, more=PACKAGES[neutron.mode]), home)
    return [build_layer(root, home), root]


def files(neutron: Neutron) -> Iterator[SeedFile]:
    """Configuration, units and programs of a controller."""
    for tree in (FILES / "common", FILES / neutron.mode):
        for path in sorted(path for path in tree.rglob("*") if path.is_file() and path.suffix != ".pyc"):
            yield SeedFile(str(path.relative_to(tree)), path.read_text())
    yield SeedFile("etc/neutron/agents.json", json.dumps(neutron.bridge_mappings, indent=1) + "\n")
    for service in SERVICES[neutron.mode]:
        yield SeedFile(f"{ETC_SYSTEMD}/multi-user.target.wants/{service}", link=f"/{ETC_SYSTEMD}/{service}")
