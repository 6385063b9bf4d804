"""Makes the checkout importable for every test, as the collection and as the agent."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

# A busy machine is no failure.
settings.register_profile("roth", deadline=None)
settings.load_profile("roth")

ROOT = Path(__file__).resolve().parent.parent

for folder in (ROOT / ".cache" / "collections", ROOT / "agent" / "src"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
