#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What two builds cost beside each other: compare.py DIRECTORY, in which before.N.json and after.N.json are the results of the
bench program in turn. A cost is the median of all rounds of all runs; what the others of the table differ by is the noise. The exit status is
1 when one of keyshm's costs is more than 5 % higher after."""

import json
import statistics
import sys
from pathlib import Path

LIMIT = 1.05


def costs(directory, name):
    """{(contender, work, keys, available, processes): every round's cost in ns}"""
    found = {}
    for path in sorted(Path(directory).glob(f"{name}.*.json")):
        for row in json.loads(path.read_text(encoding="utf-8"))["measurements"]:
            key = (row["contender"], row["work"], row["keys"], row["available"], row["processes"])
            found.setdefault(key, []).extend(row["rounds_ns"])
    return found


def main():
    before, after = costs(sys.argv[1], "before"), costs(sys.argv[1], "after")
    higher = 0
    print(f"{'':<52} {'before ns':>10} {'after ns':>10} {'ratio':>6}")
    for key in before:
        if key not in after:
            continue
        contender, work, keys, available, processes = key
        medians = statistics.median(before[key]), statistics.median(after[key])
        ratio = medians[1] / medians[0]
        is_ours = contender.startswith("keyshm")
        higher += is_ours and ratio > LIMIT
        what = f"{contender}: {work}, {available}/{keys} keys, {processes}" if keys else f"{contender}, {processes}"
        print(f"{what:<52} {medians[0]:>10.1f} {medians[1]:>10.1f} {ratio:>6.3f}{'  higher' if is_ours and ratio > LIMIT else ''}")
    print(f"{higher} of keyshm's costs are more than {LIMIT:.2f} times what they were")
    return 1 if higher else 0


sys.exit(main())
