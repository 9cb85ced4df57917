# SPDX-License-Identifier: Apache-2.0
"""scripts/run, from a copy of the scripts in a folder of its own, with the build under test: what it prints and leaves,
how it ends, and that nothing of it stays behind. Installing and building are left out; scripts/test has just done both.
"""
import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest

from support import process, server as servers, wait

VARIABLES = {"PARTNERD_URL", "PARTNERD_ADMIN_URL", "DATABASE_URL", "VENDOR_ADMIN_EMAIL", "VENDOR_ADMIN_PASSWORD",
             "PARTNER_A_ID", "PARTNER_A_CLIENT_ID", "PARTNER_A_CLIENT_SECRET",
             "PARTNER_B_ID", "PARTNER_B_CLIENT_ID", "PARTNER_B_CLIENT_SECRET"}


class Tree:
    """A folder with the scripts, and the runs that were started in it."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        shutil.copytree(servers.ROOT / "scripts", folder / "scripts")
        self.run_env = folder / ".local/run.env"

    def start(self, **environment):
        output = open(self.folder / "output", "wb")
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("PARTNERD_", "PG")) and name != "DATABASE_URL"}
        child = process.spawn(
            ["env", "--default-signal=INT", self.folder / "scripts/run"], stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            env={**kept, "PARTNERD_BUILD_DIR": str(servers.BUILD), "PARTNERD_LISTEN_PORT": "0",
                 "PARTNERD_ADMIN_PORT": "0", **environment})
        output.close()
        self.started.append(child)
        return child

    def output(self):
        return (self.folder / "output").read_text(errors="replace")

    def is_ready(self, child):
        if child.poll() is not None:
            raise AssertionError(f"scripts/run ended with {child.returncode}:\n{self.output()}")
        return "Ctrl-C stops it" in self.output()

    def serve(self, **environment):
        child = self.start(**environment)
        wait.until(lambda: self.is_ready(child), "scripts/run says that it is ready", 120)
        return child

    def variables(self):
        """run.env as a shell reads it."""
        script = f'set -a; . "{self.run_env}"; env -0'
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={})
        return dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)

    def processes(self):
        """Processes that work in this tree: their command line names it, or their working folder is in it."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and int(entry.name) != os.getpid():
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    place = os.readlink(entry / "cwd")
                    environment = (entry / "environ").read_bytes().decode(errors="replace")
                    if str(self.folder) in line + place or f"host={self.folder}" in environment:
                        found.append(line)
        return found

    def is_empty(self):
        return not self.processes()


@pytest.fixture
def tree():
    folder = Path(tempfile.mkdtemp(prefix="pd-run-", dir="/tmp"))
    folder.chmod(0o755)
    place = Tree(folder)
    yield place
    for child in place.started:
        if child.poll() is None:
            child.terminate()
            child.wait(60)
    shutil.rmtree(folder, ignore_errors=True)


def ask(variables, sql):
    """One value, as the superuser of the private cluster: the server's own login is walled in like everybody."""
    url = variables["DATABASE_URL"].replace("//partnerd@", "//postgres@")
    done = subprocess.run(["psql", url, "-XAtc", sql], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def status_of(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.status


def test_it_serves_and_sigterm_stops_everything(tree):
    child = tree.serve()
    variables = tree.variables()
    assert VARIABLES <= set(variables)
    assert status_of(variables["PARTNERD_URL"] + "/readyz") == 200
    assert status_of(variables["PARTNERD_ADMIN_URL"] + "/metrics") == 200
    assert stat.S_IMODE(tree.run_env.stat().st_mode) == 0o600
    for secret in ("VENDOR_ADMIN_PASSWORD", "PARTNER_A_CLIENT_SECRET"):
        assert variables[secret] in tree.output()
    assert ask(variables, "select count(*) >= 40 from deals") == "t"
    assert ask(variables, "show fsync") == "on"
    assert ask(variables, "select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication "
               "from pg_roles where rolname = 'partnerd'") == "f"
    assert ask(variables, "select string_agg(roleid::regrole::text, ' ') from pg_auth_members "
               "where member = 'partnerd'::regrole and not admin_option") == "partnerd_app"
    child.terminate()
    assert child.wait(60) == 0, tree.output()
    assert tree.is_empty(), tree.processes()


def test_starting_again_keeps_data_and_credentials(tree):
    child = tree.serve()
    first = tree.variables()
    child.terminate()
    assert child.wait(60) == 0
    child = tree.serve()
    second = tree.variables()
    for name in VARIABLES - {"PARTNERD_URL", "PARTNERD_ADMIN_URL"}:
        assert second[name] == first[name]
    assert ask(second, "select count(*) from programs") == "1"


def test_ctrl_c_stops_everything(tree):
    child = tree.serve()
    os.killpg(child.pid, signal.SIGINT)  # what a terminal does: the whole foreground group gets it
    assert child.wait(60) == 0, tree.output()
    assert tree.is_empty(), tree.processes()


def test_nothing_survives_when_the_script_is_killed(tree):
    child = tree.serve()
    assert len(tree.processes()) > 2
    child.kill()
    child.wait(60)
    wait.until(tree.is_empty, "server and PostgreSQL are gone", 60)
    tree.serve()  # and what they left can be used again


def test_the_environment_gives_port_data_folder_and_settings(tree):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tree.folder / "data folder"
    tree.serve(PARTNERD_LISTEN_PORT=str(port), PARTNERD_DATA_DIR=str(data), PARTNERD_CORS_ORIGINS="https://a.example")
    assert tree.variables()["PARTNERD_URL"] == f"http://127.0.0.1:{port}"
    assert (data / "data/PG_VERSION").read_text() == "15\n"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/livez", headers={"Origin": "https://a.example"})
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "https://a.example"


def test_a_database_can_be_given(tree, new_database):
    tree.serve(DATABASE_URL=new_database(), PARTNERD_ENCRYPTION_KEY=servers.DEFAULTS["PARTNERD_ENCRYPTION_KEY"])
    assert not (tree.folder / ".local/postgres").exists()


def test_a_port_in_use_is_said_at_once(tree):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        child = tree.start(PARTNERD_LISTEN_PORT=str(port))
        assert child.wait(60) == 1
    assert f"port {port} on 127.0.0.1 is in use; choose another one with PARTNERD_LISTEN_PORT=" in tree.output()
    assert tree.is_empty()


def test_two_runs_cannot_share_a_data_folder(tree):
    tree.serve()
    second = tree.start()
    assert second.wait(60) == 1
    assert "is in use by another scripts/run" in tree.output()


def test_a_setting_that_is_wrong_is_said(tree):
    child = tree.start(PARTNERD_WORKERS="many")
    assert child.wait(120) == 1
    assert "workers" in tree.output()
    assert tree.is_empty(), tree.processes()
