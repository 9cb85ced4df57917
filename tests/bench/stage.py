# SPDX-License-Identifier: Apache-2.0
"""What a measurement stands on: one durable PostgreSQL, a loaded database, the release build with default settings.

The server runs as the product does: row-level security, limits (set high, still counted), validation, audit, events and
its jobs, one log line a request. wrk and pgbench use the same PostgreSQL, never at the same time.
"""
import http.client
import json
import os
import random
import secrets
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import data
import limit
import meter
from recorder import Recorder
from support import wait
from support.postgres import Cluster
from support.server import Server, partnerd, shell_variables

HERE = Path(__file__).resolve().parent
CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "64"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
RECORDINGS = 5
PROXY_PORT = 5432
HIGH = 1_000_000_000

# A quarter of the memory for PostgreSQL's own cache, as its manual advises. The login is a superuser's; requests run as
# partnerd_app all the same.
MEMORY_MIB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
POSTGRES = {"shared_buffers": f"{min(4096, MEMORY_MIB // 4)}MB", "max_wal_size": "8GB", "checkpoint_timeout": "15min", "max_connections": 200,
            "autovacuum_naptime": "60s", "timezone": "UTC"}
SETTINGS = {"rate_limit_per_minute": HIGH, "rate_limit_address_per_minute": HIGH, "rate_limit_sign_in_per_minute": HIGH,
            "rate_limit_account_checks_per_minute": HIGH,
            "rate_limit_account_checks_per_minute": HIGH,
            "access_token_s": 86400, "idle_timeout_ms": 3600000}

BODY = json.dumps({
    "customer_name": "CUSTOMER Logistik", "customer_country": "DE", "customer_website": "https://CUSTOMER.example",
    "customer_contact_name": "Ada Brandt", "customer_contact_email": "ada.brandt@CUSTOMER.example",
    "amount": {"amount_minor": 4800000, "currency": "EUR"}, "expected_close_on": "2027-03-31",
    "description": "Fleet telemetry for the northern depots",
    "line_items": [{"product": "Platform", "quantity": 10, "unit_amount_minor": 480000}],
    "custom_fields": {"region": "north"},
})

CHECK = json.dumps({"customer_name": "CUSTOMER Logistik", "customer_country": "DE", "customer_website": "https://CUSTOMER.example"})
TABLE = "/v1/deals?limit=50&status=submitted&customer_country=DE&sort=-amount_minor"  # as the vendor's people ask for it


@dataclass
class Measure:
    """One measurement of one work item."""
    rate: float
    p50_ms: float
    p99_ms: float
    server_us: float
    postgres_us: float


def median(measures):
    return Measure(*(statistics.median(getattr(measure, name) for measure in measures)
                     for name in Measure.__dataclass_fields__))


class Stage:
    """One loaded database in a cluster. serving() and limited() measure; each leaves nothing running. limited() needs what was
    recorded."""

    def __init__(self, cluster, name, deals, records=True):
        self.cluster, self.name, self.deals = cluster, name, deals
        self.socket_folder = str(cluster.folder)
        cluster.create(name)
        partnerd("migrate", database_url=self.url())
        demo = shell_variables(partnerd("seed", "--demo", database_url=self.url()).stdout)
        data.load(cluster, name, demo["PARTNER_A_ID"], demo["PARTNER_B_ID"], deals)
        self.credentials = demo["PARTNER_A_CLIENT_ID"], demo["PARTNER_A_CLIENT_SECRET"]
        self.person = demo["VENDOR_ADMIN_EMAIL"], demo["VENDOR_ADMIN_PASSWORD"]
        self.scripts = {}
        if records:
            self._record()

    def url(self, folder=None, port=None):
        return (f"postgresql://postgres@/{self.name}?host={folder or self.socket_folder}"
                f"&port={port or self.cluster.port}")

    def start(self, **settings):
        return Server(self.url(), **{**SETTINGS, **settings}).wait_ready()

    # ---- requests ----

    def token(self, server):
        client, secret = self.credentials
        form = f"grant_type=client_credentials&client_id={client}&client_secret={secret}"
        answer = self._send(server, "POST", "/oauth/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
        return answer["access_token"]

    def vendor_token(self, server):
        email, password = self.person
        return self._send(server, "POST", "/v1/sessions", json.dumps({"email": email, "password": password}),
                          {"Content-Type": "application/json"})["access_token"]

    @staticmethod
    def _send(server, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        payload = response.read()
        connection.close()
        if response.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {response.status} {payload[:500]}")
        return json.loads(payload)

    def list_paths(self, server, token, pages=20, path="/v1/deals?limit=50"):
        """The first page and the cursors of the next ones: what a script that walks its deals asks for."""
        paths = [path]
        while len(paths) < pages:
            page = self._send(server, "GET", paths[-1], headers={"Authorization": f"Bearer {token}"})
            paths.append(f"{path}&cursor={page['next_cursor']}")
        return paths

    # ---- recording ----

    def _record(self):
        """Runs each kind of request a few times through the proxy and makes pgbench scripts of what it saw."""
        recorder = Recorder(self.socket_folder, PROXY_PORT, f"{self.socket_folder}/.s.PGSQL.{self.cluster.port}")
        server = Server(self.url(port=PROXY_PORT), **{**SETTINGS, "jobs": "false"}).wait_ready()
        try:
            token = self.token(server)
            page = self.list_paths(server, token, 2)[1]
            bearer = {"Authorization": f"Bearer {token}"}
            kinds = {
                "w1": lambda turn: self._send(server, "GET", f"/v1/deals/{data.deal_id(2 * turn)}", headers=bearer),
                "w2": lambda turn: self._send(server, "GET", page, headers=bearer),
                "w3": lambda turn: self._send(server, "POST", "/v1/deals", BODY.replace("CUSTOMER", f"t{turn}"), {
                    **bearer, "Content-Type": "application/json", "Idempotency-Key": self._key(turn)}),
            }
            for name, request in kinds.items():
                self.scripts[name] = limit.ScriptMaker(name, self._recordings(recorder, request), self.deals).make()
        finally:
            server.stop()
            recorder.close()
            os.unlink(f"{self.socket_folder}/.s.PGSQL.{PROXY_PORT}")

    @staticmethod
    def _key(turn):
        return f"{secrets.token_hex(4)}-0000-4000-8000-{turn:012x}"

    @staticmethod
    def _recordings(recorder, request):
        """Recordings without what a background thread asked meanwhile: those of the sequence seen most often."""
        seen = {}
        for turn in range(1, 3 * RECORDINGS):
            recorder.take()
            request(turn)
            trips = recorder.take()
            seen.setdefault(tuple(tuple(call.sql for call in trip) for trip in trips), []).append(trips)
        recordings = max(seen.values(), key=len)
        if len(recordings) < RECORDINGS:
            raise RuntimeError("the server does not send the same statements for the same kind of request")
        return recordings

    # ---- measuring ----

    def settle(self):
        """Nothing left over from the measurement before: its audit entries are sealed.

        No checkpoint: the first touch of each page after one is written whole, which would be most of what a short round
        of writes measures.
        """
        server = self.start()
        try:
            wait.until(lambda: self._unsealed() == 0, "all audit entries are sealed", 300, 0.2)
        finally:
            server.stop()

    def _unsealed(self):
        return self.cluster.execute(self.name, "select count(*) from audit_entries where seq is null")[0][0]

    def environment(self, server, work, **more):
        token = self.vendor_token(server) if work in ("w5", "w6") else self.token(server)
        paths = self.list_paths(server, token, path=TABLE) if work == "w5" else self.list_paths(server, token)
        return {
            **os.environ, "WORK": work, "TOKEN": token, "DEALS": str(self.deals), "BODY": CHECK if work == "w7" else BODY,
            "LIST_PATHS": "\n".join(paths), "RUN": secrets.token_hex(4),
            "CUSTOMERS": "\n".join(data.customer(random.randrange(self.deals)) for _ in range(2000)),
            "ID_PREFIX": data.ID_PREFIX, "FIRST_NUMBER": str(data.FIRST_NUMBER), **more,
        }

    def serving(self, work, seconds=SECONDS):
        """Measures the server with wrk, after a second that fills its caches and opens its connections."""
        server = self.start()
        try:
            self.drive(server, self.environment(server, work), 1)
            return self.drive(server, self.environment(server, work), seconds)
        finally:
            server.stop()

    def drive(self, server, environment, seconds, connections=CONNECTIONS):
        pids = server.child.pid, self.cluster.postmaster.pid
        before = [meter.cpu_us(pid) for pid in pids]
        done = subprocess.run(
            ["wrk", "-t2", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", str(HERE / "work.lua"),
             f"http://{server.host}:{server.port}"],
            env=environment, capture_output=True, text=True, timeout=seconds + 60)
        spent = [meter.cpu_us(pid) - start for pid, start in zip(pids, before)]
        if done.returncode != 0:
            raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
        result = json.loads(done.stdout.strip().splitlines()[-1])
        if result["refused"] or result["broken"] or not result["requests"]:
            raise RuntimeError(f"wrk saw failures, see {server.log}: {result}")
        count = result["requests"]
        return Measure(count / result["seconds"], result["p50_ms"], result["p99_ms"],
                       spent[0] / count, spent[1] / count)

    def limited(self, work, seconds=SECONDS):
        """Measures PostgreSQL with pgbench."""
        weights = {"w4": [("w1", 80), ("w2", 15), ("w3", 5)]}.get(work, [(work, 1)])
        scripts = [(self.scripts[name], weight) for name, weight in weights]
        rate, p50_ms, p99_ms, postgres_us = limit.run(
            scripts, self.socket_folder, self.cluster.port, self.name, CONNECTIONS, seconds,
            lambda: meter.cpu_us(self.cluster.postmaster.pid))
        return Measure(rate, p50_ms, p99_ms, 0, postgres_us)


def cluster():
    return Cluster(durable=True, **POSTGRES)
