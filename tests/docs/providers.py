#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""providers.py ROOT: what the form of the files of rules does not say, and what keyshm-providers(5) repeats.

Every file is built in, and has a case. A rule hides a general one of its name only where "_hides" says so. A rule that marks
because of a phrase, for a status that requests can cause, wants the phrase at the beginning of the message: a message may repeat
what was sent. The manual has the members that the reader knows, and of each meaning what it comes to.
"""

import json
import re
import sys
from pathlib import Path

from pages import Page

MARKING = {"billing", "quota", "dead", "limit"}
CAUSED_BY_REQUESTS = {400, 404, 413, 422, "4xx"}
root = Path(sys.argv[1])


def check_list(files):
    listed = re.findall(r"^  '(.*)',$", (root / "providers/meson.build").read_text(), re.M)
    for name in sorted(set(listed) ^ {path.name for path in files}):
        yield f"{name} is {'no file' if name in listed else 'not in providers/meson.build'}"
    for path, rules in files.items():
        if rules["provider"] != path.stem:
            yield f"{path.name}: it is about {rules['provider']}"


def check_names(files):
    owners = {}
    for path, rules in files.items():
        for name in [rules["provider"], *rules.get("also", [])]:
            if owners.setdefault(name, path.name) != path.name or name == "general" != path.stem:
                yield f"{path.name}: {name} is a name in {owners[name]}, too"


def check_cases(files):
    known = set()
    for path in (root / "tests/http/cases").glob("*.jsonl"):
        known |= {json.loads(line)["provider"] for line in path.read_text(encoding="utf-8").splitlines()}
    for path, rules in files.items():
        if path.stem != "general" and not known & {rules["provider"], *rules.get("also", [])}:
            yield f"{path.name}: there is no case of it in tests/http/cases"


def check_hidden(files, general):
    for path, rules in files.items():
        hidden = sorted({rule["rule"] for rule in rules.get("rules", [])} & general) if path.stem != "general" else []
        if hidden != sorted(rules.get("_hides", [])):
            yield f"{path.name}: it hides {hidden}, and _hides says {rules.get('_hides', [])}"


def check_phrases(path, rule):
    when = rule.get("when", {})
    phrases = when.get("phrase", [])
    is_caused = CAUSED_BY_REQUESTS & set(when.get("status", ["4xx", "5xx"]))
    has_more = {"code", "field", "header", "html"} & set(when)
    if rule["means"] in MARKING and is_caused and not has_more:
        for phrase in phrases:
            if not phrase.startswith("^"):
                yield f"{path.name}: {rule['rule']}: a request can have '{phrase}' in its message: begin it with '^'"
    for phrase in [*phrases, *rule.get("unless", {}).get("phrase", [])]:
        if phrase.count("{model}") > 1:
            yield f"{path.name}: {rule['rule']}: '{phrase}' has two models"


def check_members(page):
    reader = (root / "src/http/rule_reader.c").read_text()
    known = re.search(r"^void rule_reader_read\(.*?known\[\] = \{(.*?)NULL\}", reader, re.M | re.S)[1]
    in_rules = re.search(r"^static void read_rule\(.*?known\[\] = \{(.*?)NULL\}", reader, re.M | re.S)[1]
    for what, words, title in (("file", known, "FILE"), ("rule", in_rules, "RULES")):
        lines = re.findall(r"^\*\w+\*(?:, \*\w+\*)*$", page.section(title).replace("\\", ""), re.M)
        documented = re.findall(r"\w+", " ".join(lines))
        for name in sorted(set(re.findall(r'"(\w+)"', words)) ^ set(documented)):
            yield f"keyshm-providers.5: the member {name} of a {what} is {'not in the reader' if name in documented else 'missing'}"


def meanings_of_engine():
    pattern = r'\] = \{"(\w+)", (?:NO_MARK|KEYSHM_(\w+)), (?:KEYSHM_HTTP_)?SCOPE_(\w+),\s+KEYSHM_HTTP_RETRY_(\w+)'
    for word, mark, scope, retry in re.findall(pattern, (root / "src/http/words.c").read_text()):
        yield word, mark.lower() or "none", scope.lower().removeprefix("of_"), retry.lower()


def check_meanings(page):
    rows = re.findall(r"^\|  (\w+)\n:  (.*)\n:  (.*)\n:  (.*)\n", page.section("RULES"), re.M)
    documented = [(word, mark.split(",")[0], scope, retry) for word, mark, scope, retry in rows]
    known = list(meanings_of_engine())
    if documented != known or len(known) < 17:
        for documented_row, row in zip(documented + [None] * len(known), known):
            if documented_row != row:
                yield f"keyshm-providers.5: {documented_row} in the table of meanings, {row} in words.c"


def main():
    files = {path: json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / "providers").glob("*.json"))}
    general = {rule["rule"] for path, rules in files.items() if path.stem == "general" for rule in rules["rules"]}
    page = Page(root / "man/keyshm-providers.5.scd")
    problems = [*check_list(files), *check_names(files), *check_cases(files), *check_hidden(files, general),
                *check_members(page), *check_meanings(page)]
    rules = [(path, rule) for path, rules in files.items() for rule in rules.get("rules", [])]
    problems += [problem for path, rule in rules for problem in check_phrases(path, rule)]
    print(*problems, f"{len(files)} files, {len(rules)} rules, {len(problems)} problems", sep="\n")
    return 1 if problems or len(files) < 50 else 0


sys.exit(main())
