#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Parse what keyshm-stat --openmetrics printed as Prometheus does, and compare it with what --json printed.

stat_openmetrics.py OPENMETRICS-FILE JSON-FILE JSON-FILE-OF-GROUPS JSON-FILE-OF-MODELS
"""

import json
import math
import sys

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    from prometheus_client.parser import text_string_to_metric_families as parse_classic
except ImportError:
    print("needs python3-prometheus-client")
    sys.exit(77)

STATUSES = ["available", "rate_limited", "quota_exceeded", "invalid"]
MOMENT_S = 120  # the maximum time between the two; values that count time differ by it


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def near(older, newer):
    return older - 0.01 <= newer <= older + MOMENT_S


def check_pool(value, pool):
    of = {"pool": pool["provider"]}
    assert value("keyshm_pool_capacity", of) == pool["capacity"]
    assert value("keyshm_pool_recoveries_total", of) == pool["recoveries"]
    assert near(value("keyshm_pool_age_seconds", of), pool["age_ms"] / 1000)
    for status in STATUSES:
        assert value("keyshm_pool_keys", {**of, "status": status}) == pool["status_count"][status]
    assert value("keyshm_pool_available_keys", of) == pool["available_count"]
    assert value("keyshm_pool_paused_keys", of) == pool["paused_count"]
    assert value("keyshm_pool_waiting_threads", of) == pool["waiting"]
    if pool["mutex_held_ms"] < 0:
        assert value("keyshm_pool_mutex_held_seconds", of) is None
    else:
        assert near(value("keyshm_pool_mutex_held_seconds", of), pool["mutex_held_ms"] / 1000)


def check_limits(value, of_what, of, state):
    for name in ("in_flight", "in_flight_cap"):
        assert value(f"keyshm_{of_what}_{name}", of) == state[name]
    for name in ("requests_left", "requests_burst", "tokens_left", "tokens_burst"):
        shown = value(f"keyshm_{of_what}_{name}", of)
        assert shown == (state[name] if state[name] >= 0 else None), (name, shown, state)


def check_key(value, pool, key):
    of = {
        "pool": pool["provider"],
        "slot": str(key["slot"]),
        "id": str(key["id"]),
        "key": key["masked_key"],
        "label": key["metadata"].get("label", ""),
        "group": key["group"],
    }
    assert value("keyshm_key_picks_total", of) == key["picks"]
    assert value("keyshm_key_errors_total", of) == key["error_count"]
    assert value("keyshm_key_paused", of) == key["is_paused"]
    assert value("keyshm_key_probing", of) == key["is_probing"]
    assert value("keyshm_key_streak", of) == key["streak"]
    assert value("keyshm_key_priority", of) == key["priority"]
    assert value("keyshm_key_weight", of) == key["weight"]
    check_limits(value, "key", of, key)
    left = value("keyshm_key_cooldown_left_seconds", of)
    if key["cooldown_left_ms"] < 0:
        assert left == math.inf
    else:
        assert near(key["cooldown_left_ms"] / 1000, left), (key, left)
    used = value("keyshm_key_last_used_ago_seconds", of)
    if key["last_used_ago_ms"] < 0:
        assert used is None
    else:
        assert near(used, key["last_used_ago_ms"] / 1000), (key, used)
    for status in STATUSES:
        assert value("keyshm_key_status", {**of, "status": status}) == (key["status"] == status)
        assert value("keyshm_key_marks_total", {**of, "status": status}) == key["marked"][status]


def check_group(value, pool, group):
    of = {"pool": pool["provider"], "group": group["name"]}
    assert value("keyshm_group_keys", of) == group["key_count"]
    assert value("keyshm_group_available_keys", of) == group["available_count"]
    assert value("keyshm_group_paused", of) == group["is_paused"]
    assert value("keyshm_group_probing", of) == group["is_probing"]
    assert value("keyshm_group_streak", of) == group["streak"]
    check_limits(value, "group", of, group)
    left = value("keyshm_group_cooldown_left_seconds", of)
    if group["cooldown_left_ms"] < 0:
        assert left == math.inf
    else:
        assert near(group["cooldown_left_ms"] / 1000, left), (group, left)
    for status in STATUSES:
        assert value("keyshm_group_status", {**of, "status": status}) == (group["status"] == status)
        assert value("keyshm_group_marks_total", {**of, "status": status}) == group["marked"][status]


def check_model(value, pool, model):
    of = {"pool": pool["provider"], "model": model["name"]}
    assert value("keyshm_model_available_keys", of) == model["available_count"]


def main():
    text = read(sys.argv[1])
    pools, of_groups, of_models = (json.loads(read(path))["pools"] for path in sys.argv[2:])
    families = list(text_string_to_metric_families(text))
    samples = {}
    for family in families:
        assert family.documentation, family.name
        assert family.type in ("gauge", "counter"), "node_exporter knows no other"
        assert not family.unit or family.name.endswith("_" + family.unit)
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, f"twice: {key}"
            samples[key] = sample.value
    seen = set()

    def value(name, labels):
        key = (name, frozenset(labels.items()))
        seen.add(key)
        return samples.get(key)

    for pool, with_groups, with_models in zip(pools, of_groups, of_models):
        check_pool(value, pool)
        for key in pool["keys"]:
            check_key(value, pool, key)
        for group in with_groups["groups"]:
            check_group(value, pool, group)
        for model in with_models["models"]:
            check_model(value, pool, model)
    assert set(samples) <= seen, f"not in the JSON: {set(samples) - seen}"
    # The collector parses it as the older text format, which must give the same samples.
    classic = {sample.name for family in parse_classic(text) for sample in family.samples}
    assert classic == {name for name, _ in samples}, classic
    print(f"{len(families)} families, {len(samples)} samples, {len(pools)} pools")


main()
