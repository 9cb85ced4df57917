# SPDX-License-Identifier: Apache-2.0
"""`partnerd work`: the jobs in a process of their own, which can be watched like a server."""
import json
import signal
import tempfile
import urllib.error
import urllib.request

import pytest

from support import process, wait
from support.server import BINARY, environment, partnerd


class Worker:
    def __init__(self, database_url, **settings):
        self.log = tempfile.NamedTemporaryFile(prefix="partnerd-work-", suffix=".log")
        self.child = process.spawn([BINARY, "work"], env=environment(database_url, settings), stdout=self.log,
                                   stderr=self.log, cwd=tempfile.gettempdir())
        self.port = wait.until(self._port, "partnerd works", 60)

    def lines(self):
        with open(self.log.name, encoding="utf-8") as log:
            return [json.loads(line) for line in log if line.startswith("{")]

    def _port(self):
        found = [line for line in self.lines() if line.get("message") == "working"]
        return found and found[0]["admin_port"]

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(60)


@pytest.fixture(scope="module")
def place(new_database):
    url = new_database()
    worker = Worker(url)
    worker.database_url = url
    yield worker
    if worker.child.poll() is None:
        assert worker.stop() == 0


def test_it_tells_how_it_is(place):
    assert place.get("/livez") == (200, '{"status":"alive"}')
    wait.until(lambda: place.get("/readyz")[0] == 200, "the worker is ready")
    status, page = place.get("/metrics")
    assert status == 200 and "partnerd_jobs_lag_seconds " in page and "partnerd_database_connections_open " in page


def test_it_serves_nothing_else(place):
    assert place.get("/v1/meta")[0] == 404


def test_a_port_that_is_taken_is_said(place):
    done = partnerd("work", database_url=place.database_url, settings={"admin_port": place.port}, status=1)
    assert f"port {place.port}" in done.stderr


def test_it_ends_when_asked(place):
    assert place.stop() == 0
    assert not [line for line in place.lines() if line.get("level") == "error"]
