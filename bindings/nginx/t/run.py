# SPDX-License-Identifier: MIT
"""run.py FILE: the tests in it; exits with 77 where none can run."""
import sys

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
status = pytest.main(["-q", "-p", "no:cacheprovider", sys.argv[1]], plugins=[result])
if status == 0 and not result.ran:
    print(f"SKIPPED: {result.reason}")
    sys.exit(77)
sys.exit(status)
