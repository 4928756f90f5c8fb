#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""report.py JSON LIST LEAST: what gcovr counted of src, and what is not covered, held against the list of exceptions."""

import bisect
import json
import sys
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    file: str
    function: str  # "": the text stands in one function alone
    text: str
    reason: str

    def is_of(self, file, number):
        return (self.file == file.name and self.text in file.text[number - 1]
                and self.function in ("", file.function_at(number)))

    def __str__(self):
        return f"{self.file}{' ' + self.function + '()' if self.function else ''} | {self.text}"


def entries(path):
    """[Entry]: one a line, FILE | TEXT | REASON, or FILE FUNCTION() | TEXT | REASON; TEXT stands in the line of the file."""
    found = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(" | ")]
        if len(parts) != 3 or not all(parts):
            sys.exit(f"{path}:{number}: not FILE | TEXT | REASON")
        file, _, function = parts[0].partition(" ")
        found.append(Entry(file, function.removesuffix("()"), parts[1], parts[2]))
    return found


class File:
    def __init__(self, data):
        self.name = data["file"]
        self.text = Path(self.name).read_text(encoding="utf-8").splitlines()
        self.functions = sorted((function["lineno"], function["name"]) for function in data["functions"])
        self.lines, self.lines_run, self.branches, self.taken, self.open, self.code = 0, 0, 0, 0, [], []
        for line in data["lines"]:
            if line.get("gcovr/noncode"):
                continue
            self.code.append(line["line_number"])
            self.lines += 1
            self.lines_run += line["count"] > 0
            missed = sum(branch["count"] == 0 for branch in line["branches"])
            self.branches += len(line["branches"])
            self.taken += len(line["branches"]) - missed
            if missed or line["count"] == 0:
                self.open.append((line["line_number"], missed, len(line["branches"]), line["count"]))

    def function_at(self, number):
        before = bisect.bisect_right(self.functions, (number, "\uffff"))
        return self.functions[before - 1][1] if before > 0 else ""

    def functions_with(self, entry):
        return {self.function_at(number) for number in self.code if entry.is_of(self, number)}


def percent(part, whole):
    return 100 * part / whole if whole else 100


def print_table(files):
    print(f"{'file':26} {'lines':>7} {'run':>7} {'branches':>9} {'taken':>7}")
    for file in files:
        print(f"{file.name:26} {file.lines:7} {percent(file.lines_run, file.lines):6.1f}% {file.branches:9}"
              f" {percent(file.taken, file.branches):6.1f}%")


def wrong_entries(listed, used, files):
    """What is wrong with the list itself: no function may be covered by an entry that was written for another one."""
    by_name = {file.name: file for file in files}
    for entry in sorted(set(listed)):
        functions = by_name[entry.file].functions_with(entry) if entry.file in by_name else set()
        if len(functions) > 1:
            yield f"it is of {', '.join(sorted(functions))}; name one: {entry}"
        elif entry not in used and (not entry.reason.startswith("sometimes:") or not functions):
            yield f"it is covered, or gone: {entry}"


def main():
    json_path, list_path, least = sys.argv[1:]
    files = [File(data) for data in json.loads(Path(json_path).read_text(encoding="utf-8"))["files"]]
    listed, used, unlisted = entries(list_path), set(), []
    for file in files:
        for number, missed, branches, count in file.open:
            entry = next((entry for entry in listed if entry.is_of(file, number)), None)
            if entry:
                used.add(entry)
                continue
            what = f"{missed} of {branches} branches not taken" if count else "never run"
            unlisted.append(f"{file.name}:{number}: {file.function_at(number)}: {what}: {file.text[number - 1].strip()}")
    print_table(files)
    wrong = [f"{list_path}: {problem}" for problem in wrong_entries(listed, used, files)]
    print(*unlisted, *wrong, sep="\n")
    lines = percent(sum(file.lines_run for file in files), sum(file.lines for file in files))
    branches = percent(sum(file.taken for file in files), sum(file.branches for file in files))
    print(f"total: lines {lines:.1f} %, branches {branches:.1f} %, listed with a reason {len(used)},"
          f" not listed {len(unlisted)}, out of date {len(wrong)}")
    return 1 if branches < float(least) or unlisted or wrong else 0


sys.exit(main())
