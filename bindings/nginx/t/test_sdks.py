# SPDX-License-Identifier: MIT
"""The clients of openai, @anthropic-ai/sdk and @google/genai, without retries of their own, in front of a stand-in that answers in
the providers' real shapes. KEYSHM_NODE_MODULES is a directory in which they are installed (npm install openai @anthropic-ai/sdk
@google/genai); skipped without it."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import provider as providers
from conftest import key

MODULES = os.environ.get("KEYSHM_NODE_MODULES", "")
pytestmark = pytest.mark.skipif(not shutil.which("node") or not MODULES, reason="no node, or KEYSHM_NODE_MODULES is not set")

JSON = [("Content-Type", "application/json")]
STREAM = [("Content-Type", "text/event-stream")]


def openai(kind):
    return {
        "good": (200, JSON, {"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-x", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "abc"}, "finish_reason": "stop"}]}),
        "stream": (200, STREAM, [{"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", "choices": [
            {"index": 0, "delta": {"content": c}}]} for c in "abc"] + ["[DONE]"]),
        "dead": (401, JSON, {"error": {"message": "Incorrect API key provided: sk-tes****0001.", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}),
        "rate": (429, [*JSON, ("Retry-After", "20")], {"error": {"message": "Rate limit reached for gpt-x in organization org-1 on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}),
        "quota": (429, JSON, {"error": {"message": "You exceeded your current quota, please check your plan and billing details.", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}}),
    }[kind]


def anthropic(kind):
    events = [{"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "claude-x",
                                                    "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}},
              {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
              *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": c}} for c in "abc"),
              {"type": "content_block_stop", "index": 0},
              {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 3}},
              {"type": "message_stop"}]
    return {
        "good": (200, JSON, {"id": "m", "type": "message", "role": "assistant", "model": "claude-x", "content": [{"type": "text", "text": "abc"}],
                             "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 3}}),
        "stream": (200, STREAM, events),
        "dead": (401, JSON, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}),
        "rate": (429, [*JSON, ("retry-after", "20")], {"type": "error", "error": {"type": "rate_limit_error", "message": "Number of request tokens has exceeded your per-minute rate limit"}}),
        "quota": (400, JSON, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}),
    }[kind]


def gemini(kind):
    part = lambda text: {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]}
    return {
        "good": (200, JSON, part("abc")),
        "stream": (200, STREAM, [part(c) for c in "abc"]),
        "dead": (400, JSON, {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT",
                                       "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]}}),
        "rate": (429, JSON, {"error": {"code": 429, "message": "Resource has been exhausted (e.g. check quota).", "status": "RESOURCE_EXHAUSTED",
                                       "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "20s"}]}}),
        "quota": (403, JSON, {"error": {"code": 403, "message": "Permission denied: Consumer 'api_key:x' has been suspended.", "status": "PERMISSION_DENIED",
                                        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "CONSUMER_SUSPENDED", "domain": "googleapis.com"}]}}),
    }[kind]


SHAPES = {"openai": openai, "anthropic": anthropic, "gemini": gemini}
MEANING = providers.MEANING


class Shaped(providers.Handler):
    def answer(self, request):
        name, _, path = request.path.lstrip("/").partition("/")
        sent = " ".join(request.headers.values())
        found = re.search(r"sk-test-(\w+)-\d+", sent)
        kind = found.group(1) if found else "dead"
        if found:
            self.server.provider.seen.append((name, found.group(0)))
        streams = b'"stream":true' in request.body.replace(b" ", b"") or "streamGenerateContent" in path
        status, headers, body = SHAPES[name]("stream" if kind == "good" and streams else kind)
        if isinstance(body, list):
            parts = [b"%sdata: %s\r\n\r\n" % (b"event: %s\r\n" % event["type"].encode() if name == "anthropic" else b"",
                                          event.encode() if isinstance(event, str) else json.dumps(event).encode()) for event in body]
        else:
            parts = [json.dumps(body).encode()]
        lines = [f"HTTP/1.1 {status} {MEANING[status]}", *(f"{n}: {v}" for n, v in headers), "Transfer-Encoding: chunked"]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        for part in parts:
            self.send(b"%x\r\n%s\r\n" % (len(part), part))
        self.send(b"0\r\n\r\n")
        return True


def test_sdks(gateway, monkeypatch):
    gateway.provider.seen = []
    gateway.provider.server.RequestHandlerClass = Shaped
    pools, locations = "", ""
    headers = {"openai": 'Authorization "Bearer $keyshm_key"', "anthropic": "x-api-key $keyshm_key", "gemini": "x-goog-api-key $keyshm_key"}
    gateway.write_keys(key("dead", 1), key("rate", 2), key("quota", 3), *(key("good", i) for i in range(4, 8)))
    for name, header in headers.items():
        pools += f"keyshm_pool {gateway.pool}-{name} rules={name} keys={gateway.directory}/keys;"
        locations += f"""location /{name}/ {{ keyshm {gateway.pool}-{name}; keyshm_tries 5; proxy_http_version 1.1; proxy_buffering off;
            proxy_set_header Connection ""; proxy_set_header Accept-Encoding ""; proxy_set_header {header}; proxy_pass http://provider; }}"""
    gateway.write_conf(location=locations, pool=pools, http=gateway.upstream(1, True))
    gateway.start()
    done = subprocess.run(["node", str(pathlib.Path(__file__).parent / "sdk.mjs"), f"http://127.0.0.1:{gateway.port}"],
                          capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n") == [f"{name}_{how} abc" for name in headers for how in ("plain", "stream")] + [""], done.stdout + done.stderr + gateway.log()
    for name in headers:
        seen = [k for n, k in gateway.provider.seen if n == name]
        assert seen[:3] == [key("dead", 1), key("rate", 2), key("quota", 3)] and len(seen) == 5
