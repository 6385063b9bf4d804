"""Makes a package repository of packages that are installed here; runs inside a node, as root, stdlib only.

repository.py FOLDER PACKAGE…    puts the packages and their index into FOLDER, as they came from their distribution but
                                 for what dpkg left out when it installed them (documentation, in a small root)
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
import sys
from pathlib import Path

NOT_OF_THE_PACKAGE = ("Status:", "Conffiles:", "Config-Version:")
"""Fields that dpkg adds to a package's own when it is installed."""


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def control(package: str) -> str:
    """The package's own fields."""
    kept, field = [], ""
    for line in run("dpkg-query", "--status", package).splitlines():
        field = field if line.startswith(" ") else line
        if not field.startswith(NOT_OF_THE_PACKAGE):
            kept.append(line)
    return "\n".join(kept).strip() + "\n"


def files(package: str, root: Path) -> None:
    """Copies what is there of the package's files, folders and links."""
    for line in run("dpkg-query", "--listfiles", package).splitlines():
        found = Path(line)
        if not line.startswith("/") or line == "/." or not (found.exists() or found.is_symlink()):
            continue
        place = root / line[1:]
        # /lib and its like are links of the system's, and folders in a package
        if found.is_dir() and (found.parent == Path("/") or not found.is_symlink()):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(stat.S_IMODE(found.stat().st_mode))
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place, follow_symlinks=False)


def build(package: str, folder: Path) -> str:
    """One package; returns its paragraph of the index."""
    root = folder / "root"
    (root / "DEBIAN").mkdir(parents=True)
    fields = control(package)
    (root / "DEBIAN" / "control").write_text(fields)
    for path in map(Path, run("dpkg-query", "--control-path", package).split()):
        shutil.copy2(path, root / "DEBIAN" / path.name.rpartition(".")[2])
    files(package, root)
    name = f"{package}.deb"
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(folder / name))
    shutil.rmtree(root)
    content = (folder / name).read_bytes()
    return f"{fields}Filename: ./{name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"


def main(folder: Path, packages: list[str]) -> None:
    folder.mkdir(parents=True)
    (folder / "Packages").write_text("\n".join(build(package, folder) for package in packages))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
