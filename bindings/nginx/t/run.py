# SPDX-License-Identifier: MIT
"""run.py FILE: the tests in it; exits with 77 where none can run."""
import sys
import tempfile

try:
    import pytest
except ImportError:
    print("SKIPPED: no pytest (python3-pytest)")
    sys.exit(77)


class Result:
    """What has become of the tests, and why one was skipped."""
    ran, reason = False, None

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self.reason = report.longrepr[2]
        elif report.when == "call":
            self.ran = True


result = Result()
# Of its own: where pytest has them, each run of it shuts workers of another user out of those of all others.
with tempfile.TemporaryDirectory(prefix="keyshm-nginx-") as directory:
    status = pytest.main(["-q", "-p", "no:cacheprovider", "--basetemp", f"{directory}/t", sys.argv[1]], plugins=[result])
if status == 0 and not result.ran:
    print(f"SKIPPED: {result.reason}")
    sys.exit(77)
sys.exit(status)
