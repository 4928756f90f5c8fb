#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""groups.py ROOT LIBRARY: examples/groups.c compiles, is short, and prints what the README shows."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from compiling import compiled

LINES_MAX = 60


def main():
    root, library = Path(sys.argv[1]), sys.argv[2]
    source = root / "examples" / "groups.c"
    shown = re.search(r"^```\n\$ \./groups\n(.*?)^```$", (root / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    if not shown:
        print("README.md does not show what ./groups prints")
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        binary = compiled(source, root / "include", [library], scratch)
        output = subprocess.run([binary], check=True, text=True, stdout=subprocess.PIPE).stdout
    if output != shown[1]:
        print(f"it prints\n{output}instead of\n{shown[1]}")
        return 1
    lines = len(source.read_text(encoding="utf-8").splitlines())
    print(f"{lines} lines; compiled and run")
    return 0 if lines <= LINES_MAX else 1


sys.exit(main())
