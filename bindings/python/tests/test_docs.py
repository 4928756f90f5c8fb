# SPDX-License-Identifier: MIT
"""Every example of docs/python.md, each by itself, with a pool of three keys and a provider on this machine."""

import importlib.util
import json
import pathlib
import re

import pytest

import keyshm
from provider import Provider
from recipes import EXAMPLES, FILES, TEXT, adapted

ROOT = pathlib.Path(__file__).parents[3]
DOCS = ROOT / "docs"
KEYS = [f"sk-docs-{number:030d}" for number in range(3)]


def load(program):
    spec = importlib.util.spec_from_file_location(pathlib.Path(program).stem, ROOT / program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_examples():
    assert len(EXAMPLES) + len(FILES) == TEXT.count("```") // 2 and len(EXAMPLES) >= 10


def test_each_file_of_a_server_has_a_test():
    tests = "".join(path.read_text(encoding="utf-8") for path in pathlib.Path(__file__).parent.glob("test_*.py"))
    assert FILES and [name for name in FILES if f'FILES["{name}"]' not in tests] == []


@pytest.mark.parametrize("line, example", EXAMPLES, ids=[f"line {line}" for line, _ in EXAMPLES])
def test_an_example(line, example, script, named):
    for library in ("httpx", "requests", "openai", "anthropic"):
        if f"import {library}\n" in example:
            pytest.importorskip(library)
    provider = Provider()
    with keyshm.open(named) as pool:
        pool.replace_keys(KEYS)
        try:
            done = script(adapted(example, named, provider.url), environment={"OPENAI_API_KEYS": ",".join(KEYS)})
        finally:
            provider.close()
        assert pool.verify() == [] and pool.leases() == []
    assert "Warning" not in done.stderr
    if "# None none;" in example:
        assert done.stdout == "None none\n"
    assert "sk-docs" not in done.stderr
    assert bool(provider.asked) == ("api.example.com" in example)


def test_the_costs_are_those_of_one_run():
    """The table and the picture are made from this file, by bench/python/compare.py and bench/plot.py."""
    result = json.loads((DOCS / "cost-in-python.json").read_text(encoding="utf-8"))
    assert load("bench/python/compare.py").markdown(result) in TEXT
    assert load("bench/plot.py").draw_python(result) == (DOCS / "cost-in-python.svg").read_text(encoding="utf-8")


def test_every_name_exists():
    """In the text too: what is called of a pool, and every exception of the table."""
    for name in re.findall(r"pool\.(\w+)\(", TEXT):
        assert hasattr(keyshm.Pool, name), name
    rows = re.findall(r"^\| (`.*?) \| .* \|$", TEXT, re.M)
    named_there = {name.removeprefix("keyshm.") for row in rows for name in re.findall(r"`([\w.]+)`", row)}
    exceptions = {name for name, value in vars(keyshm).items() if isinstance(value, type) and issubclass(value, keyshm.Error)}
    assert named_there & exceptions == exceptions == {name for name in named_there if hasattr(keyshm, name)}
