# SPDX-License-Identifier: Apache-2.0
"""Guessing passwords: exponential delay by account and address, never a lock, and no word about who is known.

The server under test believes X-Forwarded-For, so that a test can come from anywhere. Time goes by in the table: an
attempt is made older instead of waited for. The delays themselves are a pure rule (tests/unit/domain/cases/lockout.tsv).
"""
import itertools

import pytest

from support.client import Client
from support.judge import same_refusal, without
from support.parallel import at_once
from support.world import World, unique

FREE = {"pair": 10, "account": 30, "address": 100}
hosts = itertools.count(1)


def place():
    """An address nobody has come from yet."""
    number = next(hosts)
    return f"198.51.{number // 250}.{number % 250 + 1}"


@pytest.fixture(scope="module")
def site(new_server, new_database):
    url = new_database()
    server = new_server(url, trusted_proxies="127.0.0.1", lockout_by_address="true", password_memory_kib=8)
    world = World(server, url)
    world.second = new_server(url, trusted_proxies="127.0.0.1", lockout_by_address="true", password_memory_kib=8)
    return world


@pytest.fixture
def user(site):
    return site.make_user("viewer")


def attempt(site, email, password="wrong", address="198.18.0.1", server=None, **body):
    return Client(server or site.server).post(
        "/v1/sessions", {"email": email, "password": password, **body}, headers={"X-Forwarded-For": address})


def fail(site, count, email=None, address=None):
    """Attempts that fail and are free; an email or address that is not given is another one each time."""
    for _ in range(count):
        answer = attempt(site, email or f"{unique('x')}@people.example", address=address or place())
        assert answer.status == 401, answer


def is_refused(answer, delay_s):
    """429 with the seconds that are left of the delay."""
    assert answer.status == 429 and answer.problem == "rate_limited", answer
    left_s = int(answer.headers["Retry-After"])
    assert delay_s - 30 < left_s <= delay_s, answer
    return True


def age(site, postgres, seconds):
    postgres.execute(site.database_url.rsplit("/", 1)[1],
                     "update sign_in_attempts set last_at = last_at - make_interval(secs => %s)", (seconds,))


def test_a_pair_is_slowed_down(site, user):
    address = place()
    fail(site, FREE["pair"], user.email, address)
    assert is_refused(attempt(site, user.email, address=address), 1)
    assert is_refused(attempt(site, user.email, user.password, address), 1), "nor is the right password taken"
    assert attempt(site, user.email, user.password, place()).status == 201, "from elsewhere it is"


def test_delays_double_and_end_at_fifteen_minutes(site, user, postgres):
    address = place()
    fail(site, FREE["pair"], user.email, address)
    for step in range(9):  # until one is forgiven
        assert is_refused(attempt(site, user.email, address=address), 2 ** step)
        age(site, postgres, 2 ** step)
        fail(site, 1, user.email, address)
    postgres.execute(site.database_url.rsplit("/", 1)[1], "update sign_in_attempts set level = 1000000 where level > 15000")
    assert is_refused(attempt(site, user.email, address=address), 900)
    age(site, postgres, 900)
    assert attempt(site, user.email, user.password, address).status == 201, "no lock is for ever"


def test_success_clears(site, user):
    address = place()
    for _ in range(3):
        fail(site, FREE["pair"] - 1, user.email, address)
        assert attempt(site, user.email, user.password, address).status == 201
    fail(site, FREE["pair"], user.email, address)
    assert is_refused(attempt(site, user.email, address=address), 1)


def test_refused_attempts_do_not_count(site, user, postgres):
    address = place()
    fail(site, FREE["pair"], user.email, address)
    for _ in range(20):
        attempt(site, user.email, address=address)
    age(site, postgres, 1)
    assert attempt(site, user.email, user.password, address).status == 201


def test_failures_are_forgiven(site, user, postgres):
    address = place()
    fail(site, FREE["pair"], user.email, address)
    age(site, postgres, 3 * 900)
    fail(site, 3, user.email, address)
    assert is_refused(attempt(site, user.email, address=address), 1)


def test_an_account_guessed_from_everywhere(site, user):
    fail(site, FREE["account"], email=user.email)
    assert is_refused(attempt(site, user.email, address=place()), 1)
    fail(site, 1, address=place())


def test_an_address_that_guesses_everybody(site, user):
    address = place()
    fail(site, FREE["address"], address=address)
    assert is_refused(attempt(site, user.email, user.password, address), 1)
    assert attempt(site, user.email, user.password, place()).status == 201


def test_an_own_account_does_not_clear_the_address(site, user, postgres):
    """Who may sign in as one cannot try the others for ever."""
    address = place()
    fail(site, FREE["address"] - 1, address=address)
    assert attempt(site, user.email, user.password, address).status == 201
    fail(site, 1, address=address)
    assert is_refused(attempt(site, user.email, user.password, address), 1)


def test_a_subscriber_has_all_of_a_network(site, user):
    for number in range(FREE["pair"]):
        assert attempt(site, user.email, address=f"2001:db8:1:2::{number:x}").status == 401
    assert is_refused(attempt(site, user.email, address="2001:db8:1:2:ffff::1"), 1)
    assert attempt(site, user.email, user.password, "2001:db8:1:3::1").status == 201


def test_strangers_are_slowed_down_all_the_same(site, user):
    """The first refusal and the last, their number and their words, are those of a known account."""
    stranger, address, other = f"{unique('nobody')}@people.example", place(), place()
    for _ in range(FREE["pair"]):
        same_refusal(attempt(site, user.email, address=address), attempt(site, stranger, address=other))
    known, unknown = attempt(site, user.email, address=address), attempt(site, stranger, address=other)
    assert is_refused(known, 1) and is_refused(unknown, 1)
    assert without(known.json, "request_id") == without(unknown.json, "request_id")


@pytest.mark.parametrize("spell", [str.upper, str.title, str.swapcase])
def test_spellings_of_an_address_are_one(site, user, spell):
    address = place()
    fail(site, FREE["pair"], user.email, address)
    assert is_refused(attempt(site, spell(user.email), address=address), 1)


def test_the_program_makes_no_other_account(site, user):
    address = place()
    for number in range(FREE["pair"]):
        assert attempt(site, user.email, address=address, program=[site.slug, unique("p")][number % 2]).status == 401
    assert is_refused(attempt(site, user.email, user.password, address, program=site.slug), 1)


def test_all_instances_count_together(site, user):
    address = place()
    for number in range(FREE["pair"]):
        assert attempt(site, user.email, address=address, server=[site.server, site.second][number % 2]).status == 401
    assert is_refused(attempt(site, user.email, address=address, server=site.second), 1)


def test_many_at_once_are_no_way_around(site, user):
    """Forty guesses in the same moment, on two instances: no more are looked at than one after the other."""
    address = place()
    answers = at_once([lambda n=n: attempt(site, user.email, address=address, server=[site.server, site.second][n % 2])
                       for n in range(40)])
    statuses = [answer.status for answer in answers]
    assert statuses.count(401) <= FREE["pair"] and set(statuses) <= {401, 429, 503}, statuses


def test_the_table_names_nobody(site, user, postgres):
    fail(site, 1, user.email, "203.0.113.77")
    kept = postgres.execute(site.database_url.rsplit("/", 1)[1], "select to_jsonb(a)::text from sign_in_attempts a")
    assert kept and not any(user.email in row or "203.0.113.77" in row for row, in kept)
