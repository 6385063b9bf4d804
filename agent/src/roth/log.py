"""key=value lines on stderr (stdout belongs to nobody: journald adds the time)."""

from __future__ import annotations

import sys

# sd-daemon(3): a "<N>" prefix is the syslog level journald files the line under.
_LEVELS = {"error": 3, "warning": 4, "info": 6}


def _value(value: object) -> str:
    text = str(value)
    if text and not any(character in text for character in ' "=\n'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def log(event: str, level: str = "info", **fields: object) -> None:
    """Write one line: the event's name, then fields in the order given."""
    pairs = [f"event={event}", *(f"{key}={_value(value)}" for key, value in fields.items())]
    sys.stderr.write(f"<{_LEVELS[level]}>{' '.join(pairs)}\n")
    sys.stderr.flush()
