# SPDX-License-Identifier: MIT
"""The examples of docs/python.md. One that begins with the name of a file is that file of a server, which test_servers.py and
test_celery.py start; every other one is a program, which test_docs.py runs."""

import pathlib
import re

PAGE = pathlib.Path(__file__).parents[3] / "docs/python.md"
TEXT = PAGE.read_text(encoding="utf-8")

#: (line, program)
EXAMPLES = []
#: text by name
FILES = {}

for _match in re.finditer(r"^```python\n(.*?)^```$", TEXT, re.M | re.S):
    _name = re.match(r"# (\w+\.py)\b", _match[1])
    if _name:
        FILES[_name[1]] = _match[1]
    else:
        EXAMPLES.append((TEXT[: _match.start()].count("\n") + 2, _match[1]))


def adapted(text, pool, url):
    """With a pool and a provider of the test."""
    text = text.replace('keyshm.open("openai")', f'keyshm.open("{pool}")').replace('pool="openai"', f'pool="{pool}"')
    return text.replace("https://api.example.com/", url)
