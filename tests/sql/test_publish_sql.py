# SPDX-License-Identifier: Apache-2.0
"""What of a row counts as its change."""
import psycopg2
import psycopg2.extras
import pytest

CHANGES = {
    "bookkeeping": ({"name": "a", "version": 1}, {"name": "a", "version": 2}, {}),
    "measured": ({"name": "a", "fault": None, "keys_read_at": None}, {"name": "a", "fault": "x", "keys_read_at": "x"}, {}),
    "both": ({"name": "a", "last_used_at": None}, {"name": "b", "last_used_at": "x"}, {"name": "b"}),
    "unseen": ({"name": "a", "_is_newer": False}, {"name": "a", "_is_newer": True}, {}),
    "erased": ({"name": "a"}, {"name": None}, {"name": None}),
}


@pytest.fixture(scope="module")
def session(new_database):
    with psycopg2.connect(new_database()) as session:
        yield session


@pytest.mark.parametrize("before, after, changed", CHANGES.values(), ids=list(CHANGES))
def test_what_is_measured_beside_a_row_is_no_change_of_it(session, before, after, changed):
    with session.cursor() as cursor:
        cursor.execute("select flat_difference(%s, %s)", (psycopg2.extras.Json(after), psycopg2.extras.Json(before)))
        assert cursor.fetchone() == (changed,)


def test_an_event_and_its_entry_say_the_same(session):
    """The feed is asked by what the entry says of the event."""
    with session.cursor() as cursor:
        cursor.execute("""
            select count(*), count(*) filter (where (a.action, a.resource_type, a.resource_id, a.partner_id)
                is distinct from (e.type, e.resource_type, e.resource_id, e.partner_id))
            from events e left join audit_entries a on a.program_id = e.program_id and a.id = e.id""")
        events, others = cursor.fetchone()
        assert events > 0 and others == 0
