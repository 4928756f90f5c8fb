# SPDX-License-Identifier: MIT
"""Each command's --json is one object on one line, and has exactly the members in its --help, in that order."""

import json
import os
import re
import subprocess
import tempfile

from watch_pools import CTL, FIXTURE, add, ctl, key, keys_of, make_pool, run_tests, stopped_holder
from watch_terminal import check


def members_in_help(command):
    text = ctl(command, "--help").partition("\nMembers of its JSON object:\n")[2]
    return re.findall(r"^  ([a-z_.]+)  ", text, re.MULTILINE)


def members_of(value):
    """The names of all members; those of objects in an array as "keys.id". Users name the members of other objects."""
    for name, member in value.items():
        yield name
        if isinstance(member, list) and member and isinstance(member[0], dict):
            yield from (f"{name}.{inner}" for inner in member[0])


def run(command, *arguments, keys=None, status=0):
    """Run it, and return the object that it prints."""
    result = subprocess.run([CTL, command, *arguments, "--json"], input=keys, capture_output=True, text=True, check=False)
    check(result.returncode == status, f"{command}: exit status {result.returncode}: {result.stderr}")
    check(result.stdout.count("\n") == 1, f"{command}: more than a line: {result.stdout}")
    check(command == "next" or "TOPSECRET" not in result.stdout + result.stderr, f"{command}: a key")
    value = json.loads(result.stdout)
    check(value["schema"] == 1, f"{command}: {value}")
    compared.add(command)
    return value


def compare_members(command, printed):
    helped = members_in_help(command)
    check(list(printed) == helped, f"{command}: it prints {list(printed)}, and its help has {helped}")


def compare(pool, command, *arguments, keys=None, status=0):
    """The same for a command about a pool; its members are all that the help has."""
    value = run(command, pool, *arguments, keys=keys, status=status)
    compare_members(command, members_of(value))
    check(value["provider"] == pool, f"{command}: {value}")
    return value


compared = set()


def test_keys():
    pool, _ = make_pool("")
    ctl("destroy", pool)
    created = compare(pool, "create", "--capacity", "5", "--key-max", "64", "--cooldown", "1.5", "--groups-max", "3",
                      "--in-flight-max", "7", "--provider-rules", "openai")
    check(created["provider_rules"] == "openai", created)
    check((created["groups_max"], created["models_max"]) == (3, 8), created)
    check((created["in_flight_max"], created["group_in_flight_max"]) == (7, 64), created)
    check((created["capacity"], created["key_max"], created["default_cooldown_ms"]) == (5, 64, 1500), created)
    add(pool, "AAAA")
    compare(pool, "add", "--dry-run", keys=f"{key('AAAA')}\n")
    compare(pool, "set", keys=f"{key('AAAA')}\n")
    added = compare(pool, "add", keys=f"{key('AAAA')}\n{key('BBBB')}\n")
    check((added["added"], added["present"], added["count"]) == (1, 1, 2), added)
    check([each["present"] for each in added["keys"]] == [True, False], added)
    first, second = (str(each["id"]) for each in added["keys"])
    picked = compare(pool, "next")
    check((str(picked["id"]), picked["key"]) == (first, key("AAAA")), "next")
    marked = compare(pool, "mark", first, "rate_limited", "--retry-after", "30")
    check(marked["status"] == "rate_limited" and 0 < marked["cooldown_left_ms"] <= 30001, marked)  # never early
    check(compare(pool, "mark", first, "invalid")["cooldown_left_ms"] == -1, "until marked")
    check(compare(pool, "mark", first, "rate_limited")["status"] == "invalid", "marks join")
    check(compare(pool, "mark", "all", "available", "--status", "invalid")["changed"] == 1, "not all")
    ordered = compare(pool, "priority", f"{first},{second}", "2")
    check((ordered["ids"], ordered["priority"]) == ([int(first), int(second)], 2), ordered)
    check(compare(pool, "priority", first, "0")["priority"] == 0, "priority")
    check(compare(pool, "weight", second, "15")["weight"] == 15, "weight")
    compare(pool, "priority", second, "0")
    compare(pool, "group", "org-a")
    grouped = compare(pool, "group", "org-a", "--put-in", first)["groups"][0]
    check((grouped["name"], grouped["key_count"], grouped["status"]) == ("org-a", 1, "available"), grouped)
    check(compare(pool, "model", "m/1")["models"] == [{"number": 1, "name": "m/1"}], "model")
    picked = compare(pool, "next", "--model", "m/1")
    check(picked["model"] == 1, "next")
    compare(pool, "success", str(picked["id"]), "--stamp", picked["stamp"], "--model", "m/1")
    marked = compare(pool, "mark", first, "rate_limited", "--scope", "group", "--model", "m/1")
    check((marked["model"], marked["benched_by"], marked["changed"]) == (1, ["group_model"], 1), marked)
    compare(pool, "mark", "available", "--group", "org-a")
    compare(pool, "pause", "--group", "org-a")
    compare(pool, "resume", "--group", "org-a")
    compare(pool, "pause", first)
    compare(pool, "resume", first)
    check(compare(pool, "policy", "cooldown=2")["cooldown_ms"] == 2000, "policy")
    limited = compare(pool, "limits", "--requests", "60/min", "--in-flight", "4")["limits"]
    rate = {"amount": 60, "per_ms": 60000, "burst": 10, "charge": "pick"}
    check(limited == [{"id": 0, "group": None, "model": None, "requests": rate, "tokens": None, "requests_long": None,
                       "tokens_long": None, "in_flight": 4}], limited)
    check(compare(pool, "limits", "--file", "-", keys="--group org-a --model m/1 --tokens 5/s\n")["limits"][0]["group"] == "org-a", "file")
    check([each["model"] for each in compare(pool, "limits")["limits"]] == [None, "m/1"], "limits")
    compare(pool, "limits", "--none")
    check(compare(pool, "reap")["given_back"] == 0, "reap")
    ctl("mark", pool, second, "rate_limited", "--retry-after", "0.001")
    while keys_of(pool)[1]["cooldown_left_ms"] > 0:
        pass
    check(compare(pool, "reset")["became_available"] == 1, "reset")
    check(compare(pool, "metadata", first, "tier", "5")["metadata"] == {"tier": "5"}, "metadata")
    check(compare(pool, "label", first, "ä \"b\"")["label"] == "ä \"b\"", "label")
    check(compare(pool, "label", first, "--delete")["label"] is None, "label")
    check(str(compare(pool, "remove", second)["id"]) == second, "remove")
    if os.environ["HAS_CHECK"]:
        nowhere = ("--all", "--url", "http://127.0.0.1:1/", "--header", "x-key: {key}")
        checked = compare(pool, "check", *nowhere, status=1)
        check((checked["asked"], checked["keys"][0]["answer"], checked["keys"][0]["transport"]) == (1, "none", "connect"), checked)
    else:
        compared.add("check")


def test_state():
    pool, (first, _) = make_pool("-state", "AAAA", "BBBB")
    ctl("mark", pool, first, "invalid")
    ctl("group", pool, "org-a", "--put-in", first)
    ctl("priority", pool, first, "1")
    ctl("limits", pool, "--requests", "60/min")
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, "state.json")
        ctl("export", pool, "--with-keys", "--output", file)
        with open(file, encoding="utf-8") as exported:
            value = json.load(exported)
        check(list(members_of(value)) == members_in_help("export"), f"export: {list(members_of(value))}")
        without = json.loads(ctl("export", pool))
        check(list(members_of(without)) == [name for name in members_in_help("export") if name != "keys.key"], without)
        compared.add("export")
        other, _ = make_pool("-other", "AAAA")
        rehearsed = compare(other, "import", file, "--dry-run")
        taken = compare(other, "import", file)
        check({**rehearsed, "is_dry_run": False} == taken, f"{rehearsed} {taken}")
        check((taken["reordered"], taken["limited"]) == (1, 1), taken)
        check((taken["key_count"], taken["added"], taken["found"], taken["not_found"], taken["marked"]) == (2, 1, 1, 0, 1), taken)


def test_trouble():
    pool, _ = make_pool("-trouble", "AAAA", "BBBB")
    check(compare(pool, "verify") == {"schema": 1, "provider": pool, "problem_count": 0, "problems": []}, "verify")
    subprocess.run([FIXTURE, "spoil", pool], check=True)
    check(compare(pool, "verify", status=3)["problem_count"] > 0, "verify")
    repaired = compare(pool, "repair")
    check(len(repaired["problems"]) == repaired["problem_count"] > 0 == repaired["left_count"], repaired)
    check(compare(pool, "holder")["mutex_holder_pid"] == 0, "nobody")
    check(compare(pool, "break-lock", "--yes")["was_killed"] is False, "nobody")
    helper = stopped_holder(pool)
    check(compare(pool, "holder")["mutex_holder_state"] == "T", "stopped")
    broken = compare(pool, "break-lock", "--yes")
    check((broken["mutex_holder_pid"], broken["was_killed"], broken["was_in_change"]) == (helper.pid, True, True), broken)
    compare(pool, "destroy")


ANSWER = """HTTP/1.1 429 Too Many Requests
Retry-After: 30
X-RateLimit-Remaining-Requests: 0

{"error": {"message": "%s"}}"""


def test_answers():
    pool, (first,) = make_pool("-answers", "AAAA")
    answer = ANSWER % key("AAAA")
    judged = run("judge", "--provider", "nobody", keys=answer)
    compare_members("judge", judged)
    check((judged["provider"], judged["mark"]["status"], judged["mark"]["duration_ms"]) == ("nobody", "rate_limited", 30000), judged)
    check(list(judged["mark"]) == ["status", "duration_ms", "until_marked", "scope", "reason"], judged)
    for kind in ("requests", "tokens", "input_tokens", "output_tokens"):
        check(list(judged[kind]) == ["limit", "remaining", "reset_ms"], judged)
    reported = compare(pool, "report", first, keys=answer)
    check({**judged, "provider": pool, "id": int(first)} == reported, f"{judged} {reported}")
    check(keys_of(pool)[0]["status"] == "rate_limited", "not marked")
    rules = run("providers", "nobody")
    compare_members("providers", rules)
    check([each["provider"] for each in rules["providers"]] == ["general"], rules["providers"])


def test_all_were_asked():
    commands = set(re.findall(r"^  ([a-z][a-z-]*) \S", ctl("--help"), re.MULTILINE))
    check(compared == commands - {"exec"}, f"{commands - compared} {compared - commands}")


run_tests([test_keys, test_state, test_trouble, test_answers, test_all_were_asked])
