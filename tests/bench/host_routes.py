"""Our core against `ip -batch`, side by side in one namespace: install, no-op and purge of N host routes.

    unshare --net .venv/bin/python tests/bench/host_routes.py [--routes 10000] [--rounds 7]

Every round runs both, so that a busy machine slows both; printed are medians and the median of the rounds' ratios.
Ours is a whole sync: dump, plan and write; reading the routes' text is shown beside it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".cache" / "collections"))

from ansible_collections.roth.fabric.plugins.module_utils.kernel.netlink import Netlink
from ansible_collections.roth.fabric.plugins.module_utils.kernel.sync import apply_plan, read_plan
from ansible_collections.roth.fabric.plugins.module_utils.kernel.text import Wanted, parse_routes

OUR_TABLE, THEIR_TABLE, PROTOCOL = 142, 10142, 142


def timed(step: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1000


def sync(kernel: Netlink, wanted: Wanted) -> None:
    """One whole sync; every route must have worked."""
    plan = read_plan(kernel, OUR_TABLE, PROTOCOL, wanted)
    problems = apply_plan(kernel, OUR_TABLE, PROTOCOL, wanted, plan)
    if problems:
        raise SystemExit(f"{len(problems)} routes failed, the first: {problems[0].prefix}: {problems[0].reason}")


def prefixes(count: int) -> list[str]:
    """Half IPv4, half IPv6."""
    half = count // 2
    return [f"10.{64 + i // 65536}.{i // 256 % 256}.{i % 256}/32" for i in range(half)] + [
        f"2001:db8:64::{i >> 16:x}:{i & 65535:x}/128" for i in range(count - half)
    ]


def measure(kernel: Netlink, folder: Path, count: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Ours and theirs in milliseconds, by step."""
    lines = [f"{prefix} dev bench0" for prefix in prefixes(count)]
    for verb in ("add", "del"):
        commands = [f"route {verb} {line} table {THEIR_TABLE}\n" for line in lines]
        (folder / verb).write_text("".join(commands))
    found: dict[str, list[tuple[float, float]]] = {"read text": [], "install": [], "no-op": [], "purge": []}
    wanted = parse_routes(lines)
    for _round in range(rounds):
        add = timed(lambda: subprocess.run(["ip", "-batch", folder / "add"], check=True))
        found["read text"].append((timed(lambda: parse_routes(lines)), add))
        found["install"].append((timed(lambda: sync(kernel, wanted)), add))
        found["no-op"].append((timed(lambda: sync(kernel, wanted)), add))
        purge = timed(lambda: sync(kernel, Wanted()))
        delete = timed(lambda: subprocess.run(["ip", "-batch", folder / "del"], check=True))
        found["purge"].append((purge, delete))
    return found


def main() -> None:
    """Print one line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    if "state UP" in subprocess.getoutput("ip link"):
        raise SystemExit("this is no throw-away namespace: start it with unshare --net")
    subprocess.run(["ip", "link", "add", "bench0", "up", "type", "bridge"], check=True)
    with Netlink() as kernel, tempfile.TemporaryDirectory() as folder:
        found = measure(kernel, Path(folder), arguments.routes, arguments.rounds)
    print(f"{arguments.routes} routes, {arguments.rounds} rounds\n{'':10} {'ours ms':>9} {'ip ms':>9} {'ratio':>7}")
    for step, pairs in found.items():
        ours, theirs = (median(values) for values in zip(*pairs, strict=True))
        ratio = median(mine / other for mine, other in pairs)
        print(f"{step:10} {ours:9.1f} {theirs:9.1f} {ratio:7.2f}")


if __name__ == "__main__":
    main()
