# SPDX-License-Identifier: Apache-2.0
"""Imports go on where they were: whoever dies, each line becomes one deal and no more."""
import json

import psycopg2

from faults.conftest import as_before
from support import wait

LINES = 60


def text():
    return "".join(json.dumps({
        "customer_name": f"Customer {at}", "amount": {"amount_minor": 100 + at, "currency": "EUR"}, "draft": True}) + "\n"
        for at in range(LINES))


def registered(durable, made):
    with psycopg2.connect(durable.database_url) as session, session.cursor() as cursor:
        cursor.execute("select count(*) from deals where partner_id = (select partner_id from imports where id = %s)",
                       (made["id"],))
        count = cursor.fetchone()[0]
    session.close()
    return count


def check_all(api, made):
    """Every line is one deal, every deal is of one line."""
    assert made["rows_registered"] == LINES and made["rows_failed"] == made["rows_existing"] == 0
    rows = api.list(f"/v1/imports/{made['id']}/rows")
    deals = {deal["id"]: deal["customer_name"] for deal in api.list("/v1/deals")}
    assert len(deals) == len(rows) == LINES
    assert [deals[row["deal_id"]] for row in rows] == [row["input"]["customer_name"] for row in rows]


def test_killed_and_resumed(start, new_world, durable):
    """Lines without any external id: only the import itself keeps them from being registered twice."""
    first = start()
    world = new_world(first)
    partner = world.make_partner()
    made = world.make_import(text(), partner.api, "validated")
    world.act("imports", made, "start", by=partner.api)
    wait.until(lambda: registered(durable, made) >= 10, "some lines are registered", pause_s=0.005)
    first.kill()
    assert 10 <= registered(durable, made) < LINES
    api = as_before(partner.api, start())
    check_all(api, world.import_in(made, "completed", api))


def test_two_processes_share_one_import(start, new_world):
    first, second = start(), start()
    world = new_world(first)
    partner = world.make_partner()
    made = world.make_import(text(), partner.api, "validated")
    assert made["rows_valid"] == LINES and made["rows_total"] == LINES
    world.act("imports", made, "start", by=as_before(partner.api, second))
    check_all(partner.api, world.import_in(made, "completed", partner.api))
