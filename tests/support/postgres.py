# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL: made by initdb in a temporary folder, on a free port, gone with the run.

Its time zone is set to one that nobody uses, so that a rule which asks the session's zone is found out. Plain clusters
do without fsync; a durable one keeps its promises through kill -9.
"""
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg2

from support import process, wait

ODD_ZONE = "Pacific/Chatham"
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def binary(name):
    """Path of a PostgreSQL program: PATH first, then Debian's newest version."""
    found = shutil.which(name)
    candidates = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    if candidates:
        found = candidates[-1]
    if not found:
        raise RuntimeError(f"PostgreSQL's {name} is not installed")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    def __init__(self, durable=False, **settings):
        self.folder = Path(tempfile.mkdtemp(prefix="pd-", dir="/tmp"))
        self.port = free_port()
        self.log = self.folder / "postgres.log"
        self.postmaster = None
        self.settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder,
            "max_connections": 150, "shared_buffers": "64MB", "timezone": ODD_ZONE,
            "max_wal_size": "256MB", "autovacuum_naptime": "10s",
            **({} if durable else FAST), **settings,
        }
        self._init()
        self.start()

    def _init(self):
        options = process.unprivileged()
        if options:
            os.chown(self.folder, options["user"], options["group"])
        subprocess.run(
            [binary("initdb"), "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **options)

    def start(self):
        arguments = [binary("postgres"), "-D", self.folder / "data"]
        for name, value in self.settings.items():
            arguments += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as log:
            self.postmaster = process.spawn(
                arguments, signal.SIGINT, stdout=log, stderr=log, cwd=self.folder, **process.unprivileged())
        wait.until(self._answers, f"PostgreSQL answers on port {self.port}, see {self.log}", 60)

    def _answers(self):
        if self.postmaster.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()[-2000:]}")
        try:
            psycopg2.connect(self.url("postgres")).close()
            return True
        except psycopg2.OperationalError:
            return False

    def kill(self):
        """kill -9 of the postmaster and of every process it has: what a power cut looks like."""
        children = subprocess.run(["pgrep", "-P", str(self.postmaster.pid)], capture_output=True, text=True)
        os.kill(self.postmaster.pid, signal.SIGKILL)
        for child in children.stdout.split():
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.postmaster.wait()

    def stop(self):
        if self.postmaster and self.postmaster.poll() is None:
            self.postmaster.send_signal(signal.SIGINT)
            try:
                self.postmaster.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database, user="postgres"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self, database, autocommit=True):
        """A superuser's session: sees everything, changes everything. Only for what an attacker or operator does."""
        session = psycopg2.connect(self.url(database))
        session.autocommit = autocommit
        return session

    def execute(self, database, sql, values=None):
        """Runs one statement as superuser and returns its rows, or None when it has none."""
        session = self.connect(database)
        try:
            with session.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else None
        finally:
            session.close()

    def create(self, database, template="template1"):
        self.execute("postgres", f'create database "{database}" template "{template}"')
        return database

    def drop(self, database):
        self.execute("postgres", f'drop database if exists "{database}" with (force)')
