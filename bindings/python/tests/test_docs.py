# SPDX-License-Identifier: MIT
"""Every example of docs/python.md, each by itself, with a pool of three keys and a provider on this machine."""

import pathlib
import re

import pytest

import keyshm
from provider import Provider

PAGE = pathlib.Path(__file__).parents[3] / "docs/python.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = [(TEXT[: match.start()].count("\n") + 2, match[1]) for match in re.finditer(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)]
KEYS = [f"sk-docs-{number:030d}" for number in range(3)]


def test_there_are_examples():
    assert len(EXAMPLES) == TEXT.count("```") // 2 >= 10


@pytest.mark.parametrize("line, example", EXAMPLES, ids=[f"line {line}" for line, _ in EXAMPLES])
def test_an_example(line, example, script, named):
    for library in ("httpx", "requests"):
        if f"import {library}\n" in example:
            pytest.importorskip(library)
    provider = Provider()
    with keyshm.open(named) as pool:
        pool.replace_keys(KEYS)
        text = example.replace('keyshm.open("openai")', f'keyshm.open("{named}")').replace('pool="openai"', f'pool="{named}"')
        try:
            done = script(text.replace("https://api.example.com/", provider.url), environment={"OPENAI_API_KEYS": ",".join(KEYS)})
        finally:
            provider.close()
        assert pool.verify() == [] and pool.leases() == []
    assert "Warning" not in done.stderr
    if "# None none;" in example:
        assert done.stdout == "None none\n"
    assert "sk-docs" not in done.stderr
    assert bool(provider.asked) == ("api.example.com" in example)


def test_every_name_exists():
    """In the text too: what is called of a pool, and every exception of the table."""
    for name in re.findall(r"pool\.(\w+)\(", TEXT):
        assert hasattr(keyshm.Pool, name), name
    rows = re.findall(r"^\| (`.*?) \| .* \|$", TEXT, re.M)
    named_there = {name.removeprefix("keyshm.") for row in rows for name in re.findall(r"`([\w.]+)`", row)}
    exceptions = {name for name, value in vars(keyshm).items() if isinstance(value, type) and issubclass(value, keyshm.Error)}
    assert named_there & exceptions == exceptions == {name for name in named_there if hasattr(keyshm, name)}
