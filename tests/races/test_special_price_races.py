# SPDX-License-Identifier: Apache-2.0
"""A special price against the approval that locks the margin: whoever has the deal's row first is heard by the other.

Nothing is left to chance here: who comes first holds its locks, and the other is let go when it is seen to wait for them.
"""
import contextlib
import threading

import pytest

from support import wait
from support.world import World, unique

PRICES = "special-pricing-requests"


@pytest.fixture(scope="module")
def office(server, database_url):
    return World(server, database_url)


class Meanwhile:
    """Calls something in a thread that is seen to wait for a session's locks; answer() when they are released."""

    def __init__(self, postgres, office, call):
        self.name = office.database_url.rsplit("/", 1)[1]
        self.execute, self.answers = postgres.execute, []
        self.thread = threading.Thread(target=lambda: self.answers.append(call()))

    def start(self, holder_pid):
        """The process that waits, now that it does."""
        self.thread.start()
        return wait.until(lambda: self.execute(self.name, """select a.pid from pg_stat_activity a
            where a.datname = current_database() and %s = any(pg_blocking_pids(a.pid))""", (holder_pid,)), "the other one waits")[0][0]

    def answer(self):
        self.thread.join()
        return self.answers[0]


@contextlib.contextmanager
def held(postgres, office, sql, *values):
    """A session that has run the statement and not ended; its process."""
    holder = postgres.connect(office.database_url.rsplit("/", 1)[1], autocommit=False)
    try:
        with holder.cursor() as cursor:
            cursor.execute(sql, values)
        yield holder.info.backend_pid
    finally:
        holder.rollback()
        holder.close()


def approve(office, deal, **how):
    return lambda: office.admin.post(f"/v1/deals/{deal['id']}/approve", {}, if_match="*", **how)


def withdraw(office, asked, **how):
    return office.partner("a").api.post(f"/v1/{PRICES}/{asked['id']}/withdraw", if_match="*", **how)


def ask(office, deal, granted):
    asked = office.ask_price(deal["id"])
    return office.act(PRICES, asked, "approve", {}) if granted else asked


@pytest.mark.parametrize("before, meanwhile, bps", [
    (None, "ask", None), (None, "grant", 4000), ("grant", "withdraw", 2500), ("grant", "ask", None)],
    ids=["asked", "asked and granted", "withdrawn", "asked for more"])
def test_an_approval_that_waited_looks_again(office, postgres, before, meanwhile, bps):
    """It has its facts and waits for the partner's row, while the deal's has the version that it saw."""
    deal = office.partner("a").deal(customer_name=unique("Customer"))
    asked = ask(office, deal, granted=True) if before else None
    approval = Meanwhile(postgres, office, approve(office, deal))
    with held(postgres, office, "select from partners where id = %s for no key update", deal["partner_id"]) as pid:
        approval.start(pid)
        if meanwhile == "withdraw":
            withdraw(office, asked, expect=200)
        else:
            ask(office, deal, granted=meanwhile == "grant")
    answer = approval.answer()
    if bps is None:
        assert answer.problem == "conflict" and office.refresh(deal)["status"] == "submitted", answer
    else:
        assert answer.status == 200 and answer["margin_bps"] == bps, answer


@pytest.mark.parametrize("rival", ["ask", "withdraw"])
def test_what_comes_behind_an_approval_is_refused(office, postgres, rival):
    """The approval is written and not committed: it waits for its Idempotency-Key."""
    deal = office.partner("a").deal(customer_name=unique("Customer"))
    asked = ask(office, deal, granted=True) if rival == "withdraw" else None
    key = unique("key")
    approval = Meanwhile(postgres, office, approve(office, deal, key=key))
    behind = Meanwhile(postgres, office, (lambda: withdraw(office, asked)) if asked else (
        lambda: office.partner("a").api.post(f"/v1/{PRICES}", {
            "deal_id": deal["id"], "requested_margin_bps": 4000, "reason": "x"})))
    with held(postgres, office, """insert into idempotency_keys (program_id, principal_id, key, fingerprint, event_id)
            values (%s, %s, %s, '', gen_random_uuid())""", office.program_id, office.admin_id, key) as pid:
        behind.start(approval.start(pid))
    assert approval.answer().status == 200, approval.answer()
    assert behind.answer().problem == "deal_not_open", behind.answer()
    assert office.refresh(deal)["margin_bps"] == (4000 if asked else 2500)
