# SPDX-License-Identifier: MIT
import os
import subprocess
import sys
import textwrap
import warnings

import pytest

import keyshm
from provider import Provider

KEYS = [f"sk-test-{number:040d}" for number in range(1, 5)]


@pytest.fixture
def keys():
    return list(KEYS)


@pytest.fixture
def pool():
    """An anonymous pool of four keys, which must be sound in the end."""
    with keyshm.Pool.anonymous("test", capacity=16) as made:
        made.replace_keys(KEYS)
        yield made
        if not made.closed:
            assert made.verify() == []


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def named():
    """The name of a pool that is removed in the end."""
    name = f"python-test-{os.getpid()}"
    yield name
    try:
        keyshm.unlink(name)
    except keyshm.NotFound:
        pass


@pytest.fixture(autouse=True)
def no_forgotten_leases(request):
    """No test leaves a lease behind, but those that are about that. A warning cannot be made an exception where an object ends."""
    is_about_that = request.node.get_closest_marker("forgets") is not None
    with warnings.catch_warnings(record=True) as seen:
        warnings.filterwarnings("always", "a lease of a key", ResourceWarning)
        yield
    for one in seen:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    assert is_about_that or [str(one.message) for one in seen if "a lease of a key" in str(one.message)] == []


def pytest_configure(config):
    config.addinivalue_line("markers", "forgets: the test forgets a lease on purpose")


@pytest.fixture
def script():
    """Runs a program of its own; returns its result, which must be a success unless `status` says otherwise."""

    def run(text, *arguments, status=0, timeout=120, options=(), environment=None):
        done = subprocess.run(
            [sys.executable, *options, "-c", textwrap.dedent(text), *arguments],
            capture_output=True, text=True, timeout=timeout, env={**os.environ, **(environment or {})},
        )
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def in_child(function):
    """Runs the function in a forked child, which exits with 0 if it returns, and returns the exit status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException as exception:  # the child must not go on with the tests
            os.write(2, f"{type(exception).__name__}: {exception}\n".encode())
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture(name="in_child")
def in_child_fixture():
    return in_child
