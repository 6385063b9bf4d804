"""Makes the checkout importable for every test, as the collection and as the agent."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import settings

# A busy machine is no failure, nor is chance: every run tries the same examples. ROTH_PROPERTIES=deep tries others each
# time, and many.
settings.register_profile("roth", deadline=None, derandomize=True, database=None)
settings.register_profile("deep", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("ROTH_PROPERTIES", "roth"))

ROOT = Path(__file__).resolve().parent.parent

for folder in (ROOT / ".cache" / "collections", ROOT / "agent" / "src"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
