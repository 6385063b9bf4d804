"""Waits until a URL answers with success. Usage: answers.py URL; whoever starts it bounds the time."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request

EVERY_SECONDS = 0.1


def main(url: str) -> None:
    """Ask again and again; a refused connection and an error of the server's are both "not yet"."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(EVERY_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
