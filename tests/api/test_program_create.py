# SPDX-License-Identifier: Apache-2.0
"""`partnerd program create`: what it refuses, where the password comes from; and the usage of the operator's commands."""
import pytest

from support.server import partnerd
from support.world import PASSWORD, sign_in, unique


def create(url, status=0, settings=None, **options):
    """Runs it with good options but for those given; None leaves one out."""
    slug = unique("prog")
    chosen = {"slug": slug, "name": "A programme", "admin_email": f"admin@{slug}.example", "admin_password": PASSWORD,
              **options}
    words = [word for name, value in chosen.items() if value is not None
             for word in (f"--{name.replace('_', '-')}", value)]
    return chosen, partnerd("program", "create", *words, database_url=url, settings=settings, status=status)


def printed(done):
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("option, value", [
    ("slug", "Upper"), ("slug", "-first"), ("slug", "a" * 64), ("slug", ""), ("slug", "a_b"), ("slug", "a b"),
    ("slug", None), ("name", ""), ("name", "  "), ("name", "x" * 201), ("name", "a\x1b"), ("name", None),
    ("environment", "prod"), ("currency", "XQX"), ("currency", "eur"), ("admin_email", "nobody"),
    ("admin_email", "a" * 250 + "@x.example"), ("admin_email", None), ("admin_name", " "),
    ("admin_password", "x" * 11), ("admin_password", ""), ("admin_password", "x" * 257),
    ("zone", "Europe/Atlantis"), ("zone", "Factory"), ("zone", "localtime"), ("zone", "posixrules"),
    ("zone", "posix/Europe/Berlin"), ("zone", "right/Europe/Berlin"), ("zone", "+02:00"), ("zone", ""),
])
def test_refused_options(database_url, option, value):
    chosen, done = create(database_url, status=1, **{option: value})
    assert done.stdout == "" and done.stderr.startswith("partnerd: ") and done.stderr.count("\n") == 1
    assert option.split("_")[-1] in done.stderr, done.stderr
    if chosen["slug"]:
        listed = partnerd("program", "list", database_url=database_url).stdout
        assert chosen["slug"] not in [line.split("\t")[1] for line in listed.splitlines()]


def test_good_options(server, database_url):
    chosen, done = create(database_url, slug="0" + unique("x" * 40)[:62], name="ü" * 200, zone="America/New_York",
                          currency="JPY", environment="test", admin_password="twelve chars")
    assert set(printed(done)) == {"program_id"}
    assert sign_in(server, chosen["admin_email"], "twelve chars", chosen["slug"])["program_id"] == \
        printed(done)["program_id"]


def test_a_password_is_generated(server, database_url):
    for settings in (None, {"admin_password": ""}):
        chosen, done = create(database_url, admin_password=None, settings=settings)
        password = printed(done)["admin_password"]
        assert len(password) >= 32
        assert sign_in(server, chosen["admin_email"], password, chosen["slug"])


def test_the_password_of_the_environment(server, database_url):
    chosen, done = create(database_url, admin_password=None, settings={"admin_password": "not in a list of processes"})
    assert "password" not in done.stdout
    assert sign_in(server, chosen["admin_email"], "not in a list of processes", chosen["slug"])
    create(database_url, admin_password=None, settings={"admin_password": "short"}, status=1)


@pytest.mark.parametrize("zone", ["Factory", "localtime", "posix/Europe/Berlin", "right/Europe/Berlin"])
def test_the_same_zones_are_refused_later(world, zone):
    version = world.admin.get("/v1/program")["version"]
    refused = world.admin.patch("/v1/program", {"zone": zone}, if_match=version, expect=422)
    assert refused.errors() == {("#/zone", "invalid_choice")}


def test_a_new_chain_is_said_to_be_valid(database_url):
    slug = create(database_url)[0]["slug"]
    said = partnerd("audit", "verify", "--program", slug, database_url=database_url).stdout
    assert said.startswith(f"{slug}: valid, entries 1, "), said


@pytest.mark.parametrize("command", ["program", "client", "key", "audit"])
def test_help(command):
    for words in ([command, "--help"], [command, "list", "--help"]):
        done = partnerd(*words, database_url="postgresql://nowhere.invalid/x")
        assert done.stdout.startswith(f"usage: partnerd {command} ") and done.stderr == ""
