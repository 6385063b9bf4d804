"""Stand-in for the script that ansible-test downloads to get pip into its environments.

ensurepip brings a pip with the interpreter; that one installs the pins it is asked for from the configured index.
ansible-test calls this with pip's own arguments plus get-pip's --no-setuptools and --no-wheel.
"""

from __future__ import annotations

import subprocess
import sys

subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *arguments], check=True)
