#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""provider_example.py ROOT HTTP-CASES: the example of CONTRIBUTING.md, a case and a file of rules, does what the page says.

Without the file the case is judged wrong, with it right.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def is_right(program, case, directory):
    environment = {**os.environ, "KEYSHM_PROVIDERS": str(directory)}
    run = subprocess.run([program, case], env=environment, text=True, stdout=subprocess.PIPE)
    print(run.stdout, end="")
    return run.returncode == 0


def main():
    root, program = sys.argv[1:]
    page = (Path(root) / "CONTRIBUTING.md").read_text(encoding="utf-8")
    case = re.search(r"^ +(\{\"id\": .*\})$", page, re.M)[1]
    rules = re.search(r"^( +)\{\n +\"provider\": .*?^\1\}$", page, re.M | re.S)[0]
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch, "providers")
        directory.mkdir()
        Path(scratch, "case.jsonl").write_text(case + "\n", encoding="utf-8")
        before = is_right(program, Path(scratch, "case.jsonl"), directory)
        (directory / (json.loads(rules)["provider"] + ".json")).write_text(rules, encoding="utf-8")
        after = is_right(program, Path(scratch, "case.jsonl"), directory)
    print(f"right without the rule: {before}, right with it: {after}")
    return 0 if after and not before else 1


sys.exit(main())
