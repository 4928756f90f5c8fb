# SPDX-License-Identifier: MIT
"""seeds.py DIRECTORY CASES...: each case of the files as an input of fuzz_judge."""

import base64
import json
import sys
from pathlib import Path

TRANSPORTS = [None, "timeout", "dns", "connect", "tls", "reset", "refused_stream"]


def headers(case):
    if "raw_headers" in case:
        yield from case["raw_headers"]
        return
    for name, values in case["headers"].items():
        for value in values if isinstance(values, list) else [values]:
            yield name, value


def seed(case):
    line = f"{case['provider']} {case['status']} {TRANSPORTS.index(case.get('transport'))} {case.get('now_unix_ms', 0)}\n"
    fields = "".join(f"{name}: {value}\n" for name, value in headers(case))
    body = base64.b64decode(case["body_b64"]) if case.get("body_b64") else (case["body"] or "").encode()
    return (line + fields + "\n").encode() + body


directory = Path(sys.argv[1])
directory.mkdir(exist_ok=True)
for path in sys.argv[2:]:
    for text in Path(path).read_text(encoding="utf-8").splitlines():
        case = json.loads(text)
        (directory / case["id"]).write_bytes(seed(case))
directory.touch()
