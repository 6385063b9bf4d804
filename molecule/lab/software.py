"""Neutron's software: a layer over a base root that every node with a piece of Neutron shares.

It comes from PyPI in pinned versions (``requirements/neutron.txt``). pip fetches it here, where it knows the machine's
registries and certificates; it is installed within the base root, by its Python, without a network. The layer has
nothing but /opt/neutron, so it lies over any base root of that release, whatever other packages that one has.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from .base import build, built_once, log_end, recipe
from .commands import require_tools
from .errors import LabError

FORMAT = 2  # raise when what is done to a layer changes, so that cached ones are built anew
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "neutron.txt"
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
    python3 -m venv /opt/neutron
    pip="/opt/neutron/bin/pip --disable-pip-version-check install --no-index --no-deps --find-links /mnt"
    $pip --constraint /mnt/requirements.txt setuptools
    $pip --no-build-isolation --requirement /mnt/requirements.txt'
"""


def layer_key(base: Path, requirements: str) -> str:
    """Name of a cached layer: of the same base root and the same requirements, the same."""
    return f"neutron-{hashlib.sha256(chr(10).join([str(FORMAT), base.name, requirements]).encode()).hexdigest()[:12]}"


def build_layer(suite: str | None, home: Path) -> Path:
    """Neutron in /opt/neutron, from the cache or newly made.

    :param suite: as ``base.recipe`` takes it.
    :raises LabError: when a step fails; the message has the end of its log and the log's path.
    """
    base = build(recipe(suite), home)
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
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "10"),
        "--no-deps",
        *("--python-version", version, "--dest", str(folder), "--requirement", str(REQUIREMENTS)),
    ]


def _step(log: Path, what: str, command: list[str]) -> None:
    with log.open("a") as out:
        failed = subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False).returncode
    if failed:
        raise LabError(f"{what} failed: exit code {failed}; {log_end(log)}")
