# SPDX-License-Identifier: Apache-2.0
"""Runs the binary under test: the command line, and `partnerd serve` as a child with its log in a file.

Every server is checked when it ends: exit status 0 after SIGTERM and no report of a sanitizer. PARTNERD_BUILD_DIR names
the build folder (default build/dev). Limits of rate are off and passwords are cheap unless a test asks otherwise.
"""
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from support import process, wait

ROOT = Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("PARTNERD_BUILD_DIR", "build/dev")).resolve()
BINARY = BUILD / "partnerd"
LOGS = Path(os.environ.get("PARTNERD_TEST_LOGS", tempfile.gettempdir()))

DEFAULTS = {
    "PARTNERD_LISTEN_PORT": "0", "PARTNERD_ADMIN_PORT": "0",
    "PARTNERD_RATE_LIMIT_PER_MINUTE": "0", "PARTNERD_RATE_LIMIT_ADDRESS_PER_MINUTE": "0",
    "PARTNERD_RATE_LIMIT_SIGN_IN_PER_MINUTE": "0", "PARTNERD_RATE_LIMIT_ACCOUNT_CHECKS_PER_MINUTE": "0",
    "PARTNERD_LOCKOUT_BY_ADDRESS": "false",
    "PARTNERD_ENCRYPTION_KEY": "6f" * 32,
    "PARTNERD_PASSWORD_MEMORY_KIB": "8192", "PARTNERD_PASSWORD_ITERATIONS": "1",
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"halt_on_error=0:suppressions={ROOT}/tests/support/tsan.supp",
}
REPORTS = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def environment(database_url, settings=None):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("PARTNERD_") and not name.startswith("PG")}
    kept.update(DEFAULTS)
    kept.update({"DATABASE_URL": database_url, "PARTNERD_DATABASE_URL": database_url})
    kept.update({f"PARTNERD_{name.upper()}": str(value) for name, value in (settings or {}).items()})
    return kept


def partnerd(*arguments, database_url, settings=None, status=0):
    """Runs a subcommand to its end; fails unless it exits with `status` (None: any)."""
    done = subprocess.run(
        [str(BINARY), *map(str, arguments)], env=environment(database_url, settings),
        capture_output=True, text=True, timeout=120)
    assert not REPORTS.search(done.stderr), done.stderr
    if status is not None:
        assert done.returncode == status, (
            f"partnerd {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def shell_variables(text):
    """NAME='value' lines as `partnerd seed` prints them."""
    return dict(re.findall(r"^([A-Z][A-Z0-9_]*)='?([^'\n]*)'?$", text, re.M))


class Server:
    """One running instance. `settings` are names of the table of settings: Server(url, database_connections=2)."""

    def __init__(self, database_url, **settings):
        handle, name = tempfile.mkstemp(prefix="partnerd-", suffix=".log", dir=LOGS)
        self.log = Path(name)
        with os.fdopen(handle, "wb") as log:
            self.child = process.spawn(
                [BINARY, "serve"], env=environment(database_url, settings), stdout=log,
                stderr=subprocess.STDOUT, cwd=tempfile.gettempdir())
        listening = wait.until(self._listening, f"partnerd listens, see {self.log}", 60)
        self.host, self.port = "127.0.0.1", int(listening["port"])
        self.admin_port = int(listening["admin_port"])
        self.is_ended = False

    def wait_ready(self):
        wait.until(lambda: self.probe("/readyz") == 200, f"/readyz answers 200, see {self.log}", 60)
        return self

    def lines(self, message=None):
        """The log's JSON lines, all or those with this message."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and message in (None, entry.get("message")):
                found.append(entry)
        return found

    def _listening(self):
        if self.child.poll() is not None:
            raise AssertionError(f"partnerd serve ended with {self.child.returncode}:\n{self.tail()}")
        found = self.lines("listening")
        return found and found[0]

    def tail(self, size=4000):
        return self.log.read_text(errors="replace")[-size:]

    def probe(self, path, port=None, timeout=30):
        """Status of one GET on a connection of its own; None when nobody answers."""
        connection = http.client.HTTPConnection(self.host, port or self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def terminate(self):
        self.child.send_signal(signal.SIGTERM)

    def wait_end(self, timeout_s=60):
        """Waits for the end after a SIGTERM and checks how it went."""
        self.is_ended = True
        try:
            status = self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"partnerd did not end within {timeout_s} s of SIGTERM:\n{self.tail()}")
        report = REPORTS.search(self.log.read_text(errors="replace"))
        assert not report, f"sanitizer report in {self.log}:\n{self._report()}"
        assert status == 0, f"partnerd ended with {status}, see {self.log}:\n{self.tail()}"
        self.log.unlink()

    def _report(self):
        text = self.log.read_text(errors="replace")
        return text[max(0, REPORTS.search(text).start() - 300):][:6000]

    def stop(self):
        if not self.is_ended:
            self.terminate()
            self.wait_end()

    def kill(self):
        """Without farewell: what a crash or an out-of-memory kill looks like."""
        self.is_ended = True
        self.child.kill()
        self.child.wait()
