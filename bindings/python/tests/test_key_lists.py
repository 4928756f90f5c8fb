# SPDX-License-Identifier: MIT
"""Lists of keys: the same as keyshm-ctl has it, which is asked for each case."""

import os
import subprocess

import pytest

import keyshm

GOOD = [
    ("", []),
    ("sk-one\nsk-two\n", ["sk-one", "sk-two"]),
    ("sk-one\r\n\r\nsk-two", ["sk-one", "sk-two"]),
    ("# comment with a \"quote\nsk-one\n\n#sk-two", ["sk-one"]),
    ("\"sk-one\"\n'sk-two'\n''", ["sk-one", "sk-two"]),
    ("AAAABBBB==\nabc=def\nA=\n", ["AAAABBBB==", "abc=def", "A="]),
    ("clé\n", ["clé"]),
]
BAD = ["sk-one\nexport X=1", "OPENAI_API_KEY=sk-one", "sk one", " sk-one", "sk-one ", "sk'one", "\"sk-one", "\ufeffsk-one", "sk\tone",
       "sk\rone", "' '"]


def by_keyshm_ctl(text, variables=None):
    """The keys that it adds, sorted, or None if it refuses."""
    program = os.environ.get("KEYSHM_CTL")
    if program is None:
        pytest.skip("needs keyshm-ctl, by the variable KEYSHM_CTL")
    name = f"python.lists-{os.getpid()}"
    with keyshm.open(name) as pool:
        try:
            environment = {key: value for key, value in os.environ.items() if "API_KEY" not in key}
            done = subprocess.run([program, "set", "--allow-empty", name] + (["--env"] if variables is not None else []),
                                  input=text, text=True, capture_output=True, env={**environment, **(variables or {})})
            return sorted(pool.get(state.id).secret for state in pool.states()) if done.returncode == 0 else None
        finally:
            keyshm.unlink(name)


@pytest.mark.parametrize("text, keys", GOOD)
def test_good_lists(text, keys):
    assert keyshm.read_keys(text) == keys
    assert by_keyshm_ctl(text) == sorted(keys)


@pytest.mark.parametrize("text", BAD)
def test_mistakes(text):
    with pytest.raises(ValueError, match=rf"^line {text.count(chr(10)) + 1}: ") as caught:
        keyshm.read_keys(text)
    assert "one" not in str(caught.value)
    assert by_keyshm_ctl(text) is None


def variables(prefix, values):
    return {prefix + suffix: value for suffix, value in values.items()}


@pytest.mark.parametrize("values, keys", [
    ({}, []),
    ({"": "sk-0", "S": "sk-a,sk-b", "_2": "sk-2", "_01": "sk-1", "_10": "sk-10"}, ["sk-0", "sk-a", "sk-b", "sk-1", "sk-2", "sk-10"]),
    ({"S": "\"sk-a,sk-b\""}, ["sk-a", "sk-b"]),
    ({"S": "\"sk-a\",\"sk-b\",,"}, ["sk-a", "sk-b"]),
    ({"": "", "_1": "''", "_X": "sk-x", "_": "sk-y", "S_1": "sk-z"}, []),
])
def test_the_environment(values, keys):
    name = f"python.lists-{os.getpid()}"
    prefix = name.upper().replace(".", "_").replace("-", "_") + "_API_KEY"
    assert keyshm.keys_from_environment(name, variables(prefix, values)) == keys
    assert by_keyshm_ctl("", variables(prefix, values)) == sorted(keys)


@pytest.mark.parametrize("value", ["sk one", "sk-a, sk-b", "X=sk", "\"sk-a"])
def test_mistakes_in_the_environment(value):
    with pytest.raises(ValueError, match="^OPENAI_API_KEY_7: "):
        keyshm.keys_from_environment("openai", {"OPENAI_API_KEY_7": value})
    name = f"python.lists-{os.getpid()}"
    assert by_keyshm_ctl("", {name.upper().replace(".", "_").replace("-", "_") + "_API_KEY": value}) is None


def test_the_process_environment(monkeypatch):
    monkeypatch.setenv("PYTHON_LISTS_API_KEY", "sk-of-the-process")
    assert keyshm.keys_from_environment("python-lists") == ["sk-of-the-process"]
