# SPDX-License-Identifier: Apache-2.0
"""What it costs to know who asks: the first request with a token, and a second one that finds it in the cache.

A server that has just started sees many tokens for the first time, each once, and then each once more. One connection,
one request at a time: what is measured is the server's CPU time, not how long anybody waits.
"""
import http.client
import os
import statistics
from concurrent.futures import ThreadPoolExecutor

import data
import meter
import stage

TOKENS = int(os.environ.get("BENCH_TOKENS", "4000"))  # fit in the cache
PATHS = {"the table of roles (no statement)": "/v1/roles", "one deal by id": f"/v1/deals/{data.deal_id(2)}"}


def make(place):
    server = place.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda _: place.token(server), range(TOKENS)))
    finally:
        server.stop()


def spent_us(server, path, tokens):
    """The server's CPU time for one request with each token, per request."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    before = meter.cpu_us(server.child.pid)
    for token in tokens:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status}")
    spent = meter.cpu_us(server.child.pid) - before
    connection.close()
    return spent / len(tokens)


def measure(place, path, tokens):
    """(without, with the cache) in µs."""
    server = place.start(jobs="false")
    try:
        return spent_us(server, path, tokens), spent_us(server, path, tokens)
    finally:
        server.stop()


def medians(rounds):
    return [statistics.median(side) for side in zip(*rounds)]
