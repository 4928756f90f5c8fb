# SPDX-License-Identifier: MIT
"""run.py FILE: the tests in it; exits with 77 where there is no pytest."""
import sys

try:
    import pytest
except ImportError:
    print("SKIPPED: no pytest (python3-pytest)")
    sys.exit(77)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", sys.argv[1]]))
