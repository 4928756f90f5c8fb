# SPDX-License-Identifier: MIT
"""Runs a file of tests with pytest, or checks the stub: run.py FILE [ARGUMENT...]; run.py stubs ALLOWLIST. 77: it cannot be done here."""

import importlib.util
import subprocess
import sys


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def run(*arguments):
    return subprocess.run([sys.executable, *arguments]).returncode


def run_tests(arguments):
    """pytest exits with 5 if a file skips all of itself, and says why in a line before that."""
    reason = None
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tests:
        for line in tests.stdout:
            print(line, end="", flush=True)
            if line.startswith("SKIPPED "):
                reason = line.partition(": ")[2].strip()
    if tests.returncode == 5 and reason is not None:
        skip(reason)
    return tests.returncode


if sys.argv[1] == "stubs":
    if importlib.util.find_spec("mypy") is None:
        skip("needs mypy")
    sys.exit(run("-c", "from mypy.stubtest import main; import sys; sys.exit(main())", "keyshm", "--allowlist", sys.argv[2]))
if importlib.util.find_spec("pytest") is None:
    skip("needs pytest")
sys.exit(run_tests(sys.argv[1:]))
