"""Writes docs/reference from what ansible-doc reads: the plugins' documentation and the roles' argument specs.

Usage: reference.py DIRECTORY. The directory is replaced. `make docs` runs it, and a test compares.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from antsibull_docs_parser.dom import PluginIdentifier
from antsibull_docs_parser.format import LinkProvider
from antsibull_docs_parser.md import to_md
from antsibull_docs_parser.parser import Context, parse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

COLLECTION = "roth.fabric"
BACKSLASH = "\\"
TEMPLATES = Path(__file__).parent


def plural(kind: str) -> str:
    """The folder and heading of a kind of plugin."""
    return "inventories" if kind == "inventory" else f"{kind}s"


def read() -> dict[str, dict[str, Any]]:
    """What ansible-doc knows of the collection's plugins and roles, by kind and short name.

    Raises CalledProcessError, with ansible-doc's own words on stderr, where it cannot read one.
    """
    dump = subprocess.run(["ansible-doc", "--metadata-dump", COLLECTION], check=True, stdout=subprocess.PIPE).stdout
    kinds: dict[str, dict[str, Any]] = json.loads(dump)["all"]
    own = f"{COLLECTION}."
    found = {kind: {name.removeprefix(own): kinds[kind][name] for name in kinds[kind] if own in name} for kind in kinds}
    return {kind: dict(sorted(found[kind].items())) for kind in found if found[kind]}


class OwnPages(LinkProvider):
    """Links from one page of the reference to another."""

    def plugin_link(self, plugin: PluginIdentifier) -> str | None:
        """The page of a plugin of ours; others are named without a link."""
        collection, name = plugin.fqcn.rsplit(".", 1)
        return f"../{plural(plugin.type)}/{name}.md" if collection == COLLECTION else None


def markdown(text: str | list[str], plugin: str, kind: str) -> str:
    """Ansible's markup (C(), O(), M() …) as Markdown; a list is a row of paragraphs."""
    identifier = PluginIdentifier(fqcn=f"{COLLECTION}.{plugin}", type=kind)
    context = Context(current_plugin=identifier, role_entrypoint="main" if kind == "role" else None)
    paragraphs = parse(text, context, strict=True, errors="exception")
    rendered = to_md(paragraphs, link_provider=OwnPages(), current_plugin=identifier)
    code = re.compile(r"<code>(?:<strong>)?(.*?)(?:</strong>)?</code>")
    rendered = code.sub(lambda found: f"`{html.unescape(found[1].replace(BACKSLASH, ''))}`", rendered)
    # to_md escapes every punctuation mark; only these ones mean something inside a line of text
    return re.sub(r"\\([^\\*_`<\[\]|#])|(?<=\w)\\(_)(?=\w)", r"\1\2", rendered)


def write(directory: Path, documented: dict[str, dict[str, Any]]) -> None:
    """Replace `directory` with the reference made of what `read` returned."""
    environment = Environment(  # noqa: S701  # Markdown, not HTML
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "markdown": markdown,
        "plural": plural,
        "json": lambda value: json.dumps(value, ensure_ascii=False),
    }
    shutil.rmtree(directory, ignore_errors=True)
    for kind, found in documented.items():
        template = environment.get_template("role.md.j2" if kind == "role" else "plugin.md.j2")
        for name, documentation in found.items():
            text = template.render(kind=kind, name=name, **documentation)
            target = directory / plural(kind) / f"{name}.md"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n")
    index = environment.get_template("index.md.j2").render(documented=documented)
    (directory / "README.md").write_text(index.strip() + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]), read())
