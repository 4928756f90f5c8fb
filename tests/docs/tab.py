#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tab.py SHELL DIRECTORY KEYSHM-STAT KEYSHM-CTL KEYSHM-GATEWAY: what the shell offers for each of a list of command lines."""

import glob
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from programs import Ctl, Gateway, Stat
from shells import SHELLS

POOL = f"docs-tab-{os.getpid()}"
STATUSES = {"available", "rate_limited", "quota_exceeded", "invalid"}
GROUP, MODEL = "tab org", "tab/model:free"
KEYS = "".join(f"sk-TOPSECRET-0123456789-012345{end}\n" for end in ("AAAA", "BBBB"))


def make_pools(ctl):
    """Create two pools, one with two keys, a group and a model, and return the keys' ids."""
    for name in (POOL, f"{POOL}.b"):
        subprocess.run([ctl, "create", name], check=True, stdout=subprocess.DEVNULL)
    for command, name in (("group", GROUP), ("model", MODEL)):
        subprocess.run([ctl, command, POOL, name], check=True, stdout=subprocess.DEVNULL)
    added = subprocess.run([ctl, "add", POOL], input=KEYS, check=True, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL).stdout
    return {line.split()[0] for line in added.splitlines()}


def names_of_providers(ctl):
    printed = subprocess.run([ctl, "providers", "--json"], check=True, text=True, stdout=subprocess.PIPE).stdout
    return {each["provider"] for each in json.loads(printed)["providers"] if each.get("rules")}


def names(columns):
    return {name.replace(" ", "-") for name, _, _ in columns}


def expectations(stat, ctl, gateway, ids, providers):
    """(line, the words that must be offered)"""
    first = min(ids)
    yield f"keyshm-stat {POOL}", {POOL, f"{POOL}.b"}
    yield "keyshm-stat --", set(stat.options)
    yield "keyshm-stat --op", {"--openmetrics"}
    yield "keyshm-stat --status ", STATUSES
    yield "keyshm-stat --status available,in", {"available,invalid"}
    yield "keyshm-stat --status=qu", {"quota_exceeded"}
    yield "keyshm-stat --color=", {"auto", "always", "never"}
    yield "keyshm-stat -o SLOT,ST", {"SLOT,STATUS", "SLOT,STREAK"}
    yield "keyshm-stat -o +LA", {"+LAST-USED", "+LABEL"}
    yield "keyshm-stat --sort PI", {"PICKS"}
    yield "keyshm-stat --sort=-PI", {"-PICKS"}
    for option, listing in (("", "keys"), ("--groups ", "groups"), ("--models ", "models"), ("--events ", "events"),
                            ("--follow ", "events"), ("--workers ", "workers"), ("--leases ", "leases"), ("--limits ", "limits"),
                            ("--pools ", "pools")):
        yield f"keyshm-stat {option}--output ", names(stat.columns[listing])
    yield "keyshm-ctl ", set(ctl.words)
    yield "keyshm-ctl help ", set(ctl.words)
    yield "keyshm-ctl help create ", set()
    yield "keyshm-ctl --", set(ctl.options)
    for name, command in ctl.commands.items():
        if " POOL" in command.usage:
            yield f"keyshm-ctl {name} {POOL}", {POOL, f"{POOL}.b"}
            yield f"keyshm-ctl {name} {POOL} --", command.options | {"--user", "--help"}
        else:
            yield f"keyshm-ctl {name} --", command.options | {"--user", "--help"}
    for name in ("remove", "priority", "weight", "mark", "pause", "resume", "success", "report", "metadata", "label"):
        yield f"keyshm-ctl {name} {POOL} ", ids
    yield f"keyshm-ctl limits {POOL} ", ids | {"all"}
    yield f"keyshm-ctl limits {POOL} --requests 5/s ", ids | {"all"}
    yield f"keyshm-ctl limits {POOL} --tokens ", set()
    yield f"keyshm-ctl limits {POOL} --tokens-c", {"--tokens-charge"}
    for option in ("--tokens-charge", "--tokens-long-charge"):
        yield f"keyshm-ctl limits {POOL} {option} ", {"pick", "release"}
    yield f"keyshm-ctl reap {POOL} ", set()
    yield f"keyshm-ctl check {POOL} --method ", {"GET", "HEAD", "POST"}
    yield f"keyshm-ctl check {POOL} --url ", set()
    yield f"keyshm-ctl check --header x {POOL} --par", {"--parallel"}
    yield f"keyshm-ctl priority {POOL} {first} ", {"0", "1", "2", "3"}
    yield f"keyshm-ctl weight {POOL} {first} ", set()
    yield f"keyshm-ctl mark {POOL} {first} ", STATUSES
    yield f"keyshm-ctl mark {POOL} --group org ", STATUSES
    yield f"keyshm-ctl mark --retry-after 5 {POOL} {first} r", {"rate_limited"}
    for command in (f"mark {POOL} {first} invalid", f"exec {POOL}"):
        yield f"keyshm-ctl {command} --scope ", {"key", "group"}
    yield "keyshm-ctl providers ", providers
    yield "keyshm-ctl providers gen", {"general"}
    for command in ("judge", f"report {POOL} {first}", f"exec {POOL}"):
        yield f"keyshm-ctl {command} --provider ", providers
    yield f"keyshm-ctl create {POOL} --provider-rules ", providers
    for command in ("judge", f"report {POOL} {first}"):
        yield f"keyshm-ctl {command} --transport ", {"timeout", "dns", "connect", "tls", "reset", "refused_stream"}
    yield f"keyshm-ctl report {POOL} --stamp 5 --transport reset ", ids
    yield f"keyshm-ctl report {POOL} {first} --model ", {MODEL}
    for name in ("next", "exec"):
        yield f"keyshm-ctl {name} {POOL} --wait ", {"forever"}
        yield f"keyshm-ctl {name} {POOL} --wait 5 --tok", {"--tokens"}
        yield f"keyshm-ctl {name} {POOL} --tokens ", set()
    for option in ("--put-in", "--take-out"):
        yield f"keyshm-ctl group {POOL} org {option} ", ids
    for command in (f"add {POOL} --group", f"mark {POOL} --group", f"pause {POOL} --group", f"limits {POOL} --group",
                    f"group {POOL}"):
        yield f"keyshm-ctl {command} ", {GROUP}
    for command in (f"next {POOL} --model", f"limits {POOL} --model", f"model {POOL}"):
        yield f"keyshm-ctl {command} ", {MODEL}
        yield f"keyshm-ctl {command} tab/", {MODEL}
    yield "keyshm-stat --group tab", {GROUP}
    yield "keyshm-stat --model tab/", {MODEL}
    for option in ("--capacity", "--in-flight-max", "--group-in-flight-max"):
        yield f"keyshm-ctl create {option} ", set()
    yield f"keyshm-ctl create {POOL} --in", {"--in-flight-max"}
    yield "keyshm-gateway ", set(gateway.providers)
    yield "keyshm-gateway --tries 5 ", set(gateway.providers)
    yield "keyshm-gateway openai ", set()
    yield "keyshm-gateway --", set(gateway.options)
    yield "keyshm-gateway openai --li", {"--listen"}
    for option in ("--port", "--listen", "--allow", "--tries", "--header"):
        yield f"keyshm-gateway {option} ", set()
    yield f"keyshm-ctl exec {POOL} --env DOCS_TAB", {"DOCS_TAB_KEY"}
    yield f"keyshm-ctl exec {POOL} --env DOCS_TAB_KEY -- docs-tab-pro", {"docs-tab-program"}


def tidy(offers, line):
    """Remove the part of the line before =, an = or blank after a word, quoting, and offers with a sign that the line does not have."""
    last = line.split(" ")[-1]
    before, equals, value = last.rpartition("=")
    offers = {offer.removeprefix(before + equals).rstrip(" =").replace("\\ ", " ") for offer in offers}
    return {offer for offer in offers if offer and (offer.startswith("--") or offer[0] not in "+-" or value.startswith(offer[0]))}


def main():
    name, directory, stat_program, ctl_program, gateway_script = sys.argv[1:]
    if not SHELLS[name].is_here():
        print(f"SKIPPED: {name}, or what its completion needs, is not installed")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "bin")
        path.mkdir()
        (path / "keyshm-stat").symlink_to(os.path.abspath(stat_program))
        (path / "keyshm-ctl").symlink_to(os.path.abspath(ctl_program))
        (path / "keyshm-gateway").symlink_to("/bin/true")  # fish completes for what there is
        (path / "docs-tab-program").symlink_to("/bin/true")
        os.environ |= {"PATH": f"{path}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "DOCS_TAB_KEY": ""}
        shell = SHELLS[name](os.path.abspath(directory), scratch)
        checked, failed = 0, 0
        programs = Stat(stat_program), Ctl(ctl_program), Gateway(gateway_script)
        for line, expected in expectations(*programs, make_pools(ctl_program), names_of_providers(ctl_program)):
            offered = tidy(shell.offers(line), line)
            checked += 1
            if offered != expected:
                failed += 1
                print(f"'{line}': missing {sorted(expected - offered)}, unexpected {sorted(offered - expected)}")
    print(f"{name}: {checked} lines, {failed} wrong")
    return 1 if failed else 0


try:
    sys.exit(main())
finally:
    for segment in glob.glob(f"/dev/shm/keyshm.*.{POOL}*"):
        os.unlink(segment)
