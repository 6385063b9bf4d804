"""The machine's own apt sources, reduced to those that serve its distribution. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class AptSource:
    """One ``deb`` line: an archive, one of its suites, the components taken from it, and the keys that sign it."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""  # paths, or an armoured key

    def moved_to(self, codename: str, suite: str) -> AptSource:
        """The same archive for another release: ``bookworm-updates`` becomes ``trixie-updates``."""
        return AptSource(self.uri, suite + self.suite[len(codename) :], self.components, self.signed_by)

    def line(self, keyrings: str = "") -> str:
        """A one-line entry of a sources.list, signed by the given keyring files."""
        option = f'[signed-by="{keyrings}"] ' if keyrings else ""
        return f"deb {option}{self.uri} {self.suite} {' '.join(self.components)}"


def parse_one_line(text: str) -> Iterator[AptSource]:
    """Entries of a ``.list`` file (sources.list(5), one-line style)."""
    for raw in text.splitlines():
        match = re.fullmatch(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>[^#]+).*", raw.strip())
        if match and len(words := match["rest"].split()) > 2:
            options = dict(o.partition("=")[::2] for o in shlex.split(match["options"] or ""))
            yield AptSource(words[0].rstrip("/"), words[1], tuple(words[2:]), options.get("signed-by", ""))


def parse_deb822(text: str) -> Iterator[AptSource]:
    """Entries of a ``.sources`` file (sources.list(5), deb822 style)."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        signed_by = fields.get("signed-by", "").strip()
        if not signed_by.startswith("-----BEGIN"):
            signed_by = ",".join(signed_by.replace(",", " ").split())
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield AptSource(uri.rstrip("/"), suite, tuple(fields.get("components", "").split()), signed_by)


def _fields(stanza: str) -> dict[str, str]:
    """Field names in lower case; a continuation line that is a lone dot stands for an empty one."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1] in (" ", "\t"):
            fields[name] = fields.get(name, "") + "\n" + ("" if line.strip() == "." else line.strip())
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def parse_origins(index_targets: str) -> dict[tuple[str, str], tuple[str, str]]:
    """(uri, suite) -> (origin, codename), from lines ``ORIGIN|CODENAME|RELEASE|REPO_URI`` of apt-get indextargets."""
    origins = {}
    for line in index_targets.splitlines():
        origin, codename, release, uri = (*line.split("|"), "", "", "", "")[:4]
        if origin:
            origins[uri.rstrip("/"), release] = (origin, codename)
    return origins


def of_distribution(
    sources: Iterable[AptSource], origins: Mapping[tuple[str, str], tuple[str, str]], distribution: str, codename: str
) -> list[AptSource]:
    """The release itself, its updates and its security fixes, from archives that call themselves the distribution.

    Third parties also publish suites named after a release, so the name of the suite says too little: what decides is
    the Origin that apt has verified in the archive's Release file.

    :param distribution: ``ID`` of os-release(5), such as ``debian``.
    :param codename: ``VERSION_CODENAME`` of os-release(5), such as ``bookworm``.
    """
    wanted = {codename, f"{codename}-updates", f"{codename}-security"}
    found: dict[tuple[str, str], AptSource] = {}
    for source in sources:
        origin, release = origins.get((source.uri, source.suite), ("", ""))
        if origin.lower() != distribution:
            continue
        # a suite may be called "stable": its Release file has the codename
        suite = source.suite if source.suite.startswith(codename) else release
        if suite in wanted:
            known = found.get((source.uri, suite))
            components = tuple(dict.fromkeys((*(known.components if known else ()), *source.components)))
            found[source.uri, suite] = AptSource(source.uri, suite, components, source.signed_by)
    return list(found.values())
