# SPDX-License-Identifier: Apache-2.0
"""Whose account it is (domain.md §5.5): duplicates, conflicts, who waits and who moves on, and what nobody is told."""
import uuid

import pytest

from support import wait


def domain():
    return f"c{uuid.uuid4().hex[:12]}.example"


def customer(site=None, **members):
    site = site or domain()
    return {"customer_name": f"Qx{uuid.uuid4().hex[:10]} Academy", "customer_country": "DE",
            "customer_website": f"https://www.{site}/about", **members}


def timeline(by, deal):
    return [entry["type"] for entry in by.list(f"/v1/deals/{deal['id']}/timeline", {"sort": "occurred_at"})]


@pytest.fixture
def pair(world):
    """Two registrations of one customer, by two partners, in this order."""
    same = customer()
    first = world.partner("a").deal(**same)
    return first, world.partner("b").deal(**same)


def test_the_second_waits_and_is_told_no_more(world, pair):
    first, second = pair
    assert (first["status"], second["status"]) == ("submitted", "conflict_hold")
    assert first["customer_match"] is None and second["customer_match"] is None
    assert world.refresh(second)["customer_match"] == "conflict"
    text = world.partner("b").api.get(f"/v1/deals/{second['id']}").body.decode()
    assert first["id"] not in text and world.partner("a").name not in text and world.partner("a").id not in text


@pytest.mark.parametrize("action, by_partner", [("reject", False), ("withdraw", True)], ids=["rejected", "withdrawn"])
def test_the_next_in_line_moves_on_by_itself(world, pair, action, by_partner):
    first, second = pair
    third = world.partner("c").deal(**{name: second[name] for name in ("customer_name", "customer_country", "customer_website")})
    by = world.partner("a").api if by_partner else world.admin
    world.act("deals", first, action, {"reason": "x"}, by=by)
    assert world.refresh(second)["status"] == "in_review" and world.refresh(third)["status"] == "conflict_hold"
    assert timeline(world.partner("b").api, second) == ["deal.submitted", "deal.conflict_cleared"]
    world.act("deals", world.refresh(second), "withdraw", {"reason": "x"}, by=world.partner("b").api)
    assert world.refresh(third)["status"] == "in_review"
