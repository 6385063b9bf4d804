"""Routing on the host: the agent between the kernel, ExaBGP and bfdd."""

from __future__ import annotations

__version__ = "0.1.0"
