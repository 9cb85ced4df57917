# SPDX-License-Identifier: Apache-2.0
"""An HTTP client for tests: one keep-alive connection a thread, every exchange judged against the contract.

There are no retries: a connection that the server drops fails the test. `expect` states the status a test counts on,
`problem` the code of the refusal. Registrations get a fresh Idempotency-Key unless the test gives one (None: none).
"""
import http.client
import json
import threading
import time
import uuid
from urllib.parse import quote, urlencode

from support import contract

FRESH = object()
KEYED = {"/v1/deals"}
REUSE_S = 5.0  # a connection that rested longer than this is opened anew: the server may have closed it


class Response:
    def __init__(self, method, path, status, headers, body):
        self.method, self.path = method, path
        self.status, self.headers, self.body = status, headers, body
        self._json = None

    @property
    def json(self):
        if self._json is None:
            self._json = json.loads(self.body)
        return self._json

    def __getitem__(self, name):
        return self.json[name]

    @property
    def etag(self):
        return self.headers.get("ETag")

    @property
    def is_replay(self):
        return self.headers.get("Idempotency-Replayed") == "true"

    @property
    def problem(self):
        """The code of a refusal, None for anything else."""
        if not self.headers.get("Content-Type", "").startswith("application/problem+json"):
            return None
        return self.json["code"]

    def errors(self):
        """errors[] of a refusal as {(place, code)}."""
        return {(entry.get("pointer") or entry.get("parameter") or entry.get("header"), entry["code"])
                for entry in self.json.get("errors", [])}

    def __repr__(self):
        return f"<{self.method} {self.path} → {self.status} {self.body[:600]!r}>"


class Client:
    def __init__(self, server, token=None, check=True):
        self.server, self.token, self.check = server, token, check
        self.local = threading.local()

    def on(self, server):
        """The same principal at another instance."""
        return Client(server, self.token, self.check)

    def _connection(self):
        fresh = getattr(self.local, "used_at", 0) + REUSE_S < time.monotonic()
        if fresh or getattr(self.local, "connection", None) is None:
            self.close()
            self.local.connection = http.client.HTTPConnection(
                self.server.host, self.server.port, timeout=90)
        return self.local.connection

    def close(self):
        connection = getattr(self.local, "connection", None)
        if connection:
            connection.close()
        self.local.connection = None

    def request(self, method, path, body=None, query=None, headers=None, if_match=None, key=FRESH,
                form=None, expect=None, problem=None):
        sent = {"Accept": "application/json"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = None
        if form is not None:
            data, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
        elif body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        if if_match is not None:
            sent["If-Match"] = if_match if isinstance(if_match, str) else f'"{if_match}"'
        if key is FRESH:
            key = str(uuid.uuid4()) if method == "POST" and path.split("?")[0] in KEYED else None
        if key is not None:
            sent["Idempotency-Key"] = key
        sent.update(headers or {})
        if query:
            path += "?" + urlencode(query, doseq=True, quote_via=quote)
        response = self._exchange(method, path, data, {k: v for k, v in sent.items() if v is not None})
        self._judge(response, data, expect, problem)
        return response

    def _exchange(self, method, path, data, headers):
        connection = self._connection()
        try:
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        except Exception:
            self.close()
            raise
        self.local.used_at = time.monotonic()
        if answer.will_close:
            self.close()
        return Response(method, path, answer.status, answer.headers, body)

    def _judge(self, response, data, expect, problem):
        if self.check:
            contract.check(response.method, response.path, response.status, response.headers, response.body, data)
        if problem is not None:
            assert response.problem == problem, f"expected {problem}: {response}"
        if expect is not None:
            assert response.status == expect, f"expected {expect}: {response}"

    def get(self, path, query=None, expect=200, **options):
        return self.request("GET", path, query=query, expect=expect, **options)

    def post(self, path, body=None, expect=None, **options):
        return self.request("POST", path, body, expect=expect, **options)

    def patch(self, path, body, expect=None, **options):
        return self.request("PATCH", path, body, expect=expect, **options)

    def list(self, path, query=None, limit=100):
        """Every row of a list, walked page by page."""
        query = {**(query or {}), "limit": limit}
        rows = []
        while True:
            page = self.get(path, query).json
            rows += page["data"]
            if page["next_cursor"] is None:
                return rows
            query["cursor"] = page["next_cursor"]
