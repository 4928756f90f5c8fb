#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""report.py JSON LIST LEAST: what gcovr counted of src, and what is not covered, held against the list of exceptions."""

import json
import sys
from pathlib import Path


def entries(path):
    """[(file, text, reason)]: one a line, FILE | TEXT | REASON; TEXT stands in the line of the file."""
    found = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(" | ")]
        if len(parts) != 3 or not all(parts):
            sys.exit(f"{path}:{number}: not FILE | TEXT | REASON")
        found.append(tuple(parts))
    return found


class File:
    def __init__(self, data):
        self.name = data["file"]
        self.text = Path(self.name).read_text(encoding="utf-8").splitlines()
        self.lines, self.lines_run, self.branches, self.taken, self.open = 0, 0, 0, 0, []
        for line in data["lines"]:
            if line.get("gcovr/noncode"):
                continue
            self.lines += 1
            self.lines_run += line["count"] > 0
            missed = sum(branch["count"] == 0 for branch in line["branches"])
            self.branches += len(line["branches"])
            self.taken += len(line["branches"]) - missed
            if missed or line["count"] == 0:
                self.open.append((line["line_number"], missed, len(line["branches"]), line["count"]))


def percent(part, whole):
    return 100 * part / whole if whole else 100


def print_table(files):
    print(f"{'file':26} {'lines':>7} {'run':>7} {'branches':>9} {'taken':>7}")
    for file in files:
        print(f"{file.name:26} {file.lines:7} {percent(file.lines_run, file.lines):6.1f}% {file.branches:9}"
              f" {percent(file.taken, file.branches):6.1f}%")


def main():
    json_path, list_path, least = sys.argv[1:]
    files = [File(data) for data in json.loads(Path(json_path).read_text(encoding="utf-8"))["files"]]
    listed, used, unlisted = entries(list_path), set(), []
    for file in files:
        for number, missed, branches, count in file.open:
            text = file.text[number - 1].strip()
            entry = next((entry for entry in listed if entry[0] == file.name and entry[1] in text), None)
            if entry:
                used.add(entry)
                continue
            what = f"{missed} of {branches} branches not taken" if count else "never run"
            unlisted.append(f"{file.name}:{number}: {what}: {text}")
    print_table(files)
    texts = {file.name: file.text for file in files}
    stale = [f"{list_path}: it is covered, or gone: {file} | {text}" for file, text, reason in sorted(set(listed) - used)
             if not reason.startswith("sometimes:") or not any(text in line for line in texts.get(file, []))]
    print(*unlisted, *stale, sep="\n")
    lines = percent(sum(file.lines_run for file in files), sum(file.lines for file in files))
    branches = percent(sum(file.taken for file in files), sum(file.branches for file in files))
    print(f"total: lines {lines:.1f} %, branches {branches:.1f} %, listed with a reason {len(used)},"
          f" not listed {len(unlisted)}, out of date {len(stale)}")
    return 1 if branches < float(least) or unlisted or stale else 0


sys.exit(main())
