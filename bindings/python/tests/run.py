# SPDX-License-Identifier: MIT
"""Runs a file of tests with pytest, or checks the stub: run.py FILE [ARGUMENT...]; run.py stubs ALLOWLIST. 77: it cannot be done here."""

import importlib.util
import subprocess
import sys


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


if sys.argv[1] == "stubs":
    if importlib.util.find_spec("mypy") is None:
        skip("needs mypy")
    command = ["-c", "from mypy.stubtest import main; import sys; sys.exit(main())", "keyshm", "--allowlist", sys.argv[2]]
else:
    if importlib.util.find_spec("pytest") is None:
        skip("needs pytest")
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", *sys.argv[1:]]
sys.exit(subprocess.run([sys.executable, *command]).returncode)
