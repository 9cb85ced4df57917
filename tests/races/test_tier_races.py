# SPDX-License-Identifier: Apache-2.0
"""Tiers at once: bands that exclude each other, one draft published twice, a tier that ends while a partner comes."""
import pytest

from support.parallel import at_once
from support.world import World


@pytest.fixture
def place(server, database_url):
    return World(server, database_url, tiers="none")


@pytest.mark.parametrize("round_", range(5))
def test_of_two_overlapping_publications_one_wins(place, round_):
    tiers = [place.make_tier(rank=rank, band=(2000, 2500, 3000), publish=False) for rank in range(1, 7)]
    answers = at_once([lambda tier=tier: place.admin.post(f"/v1/tiers/{tier['id']}/publish", if_match=1) for tier in tiers])
    assert [answer.status for answer in answers].count(200) == 1, answers
    for answer in answers:
        if answer.status != 200:
            assert answer.status == 422, answer
            assert {place_.rsplit("/", 1)[0] for place_, _ in answer.errors()} == {"#/draft/margin_band"}
    assert len(place.admin.list("/v1/tiers", {"status": "published"})) == 1


def test_bands_that_do_not_rise_with_the_rank(place):
    """They do not overlap, so no exclusion alone would stop both."""
    for rank in range(1, 11, 2):
        low = place.make_tier(rank=rank, band=(3000 + rank, 3000 + rank, 3000 + rank), publish=False)
        high = place.make_tier(rank=rank + 1, band=(1000, 1000, 1000), publish=False)
        answers = at_once([lambda tier=tier: place.admin.post(f"/v1/tiers/{tier['id']}/publish", if_match=1)
                           for tier in (low, high)])
        assert sorted(answer.status for answer in answers) == [200, 422], answers
        for tier in (low, high):
            place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*", expect=200)


def test_a_rank_and_a_publication(place):
    for turn in range(5):
        moved = place.make_tier(rank=10 + turn, band=(2000, 2000, 2000))
        other = place.make_tier(rank=40 + turn, band=(3000, 3000, 3000), publish=False)
        answers = at_once([
            lambda: place.admin.post(f"/v1/tiers/{other['id']}/publish", if_match=1),
            lambda: place.admin.patch(f"/v1/tiers/{moved['id']}", {"rank": 80 + turn}, if_match="*")])
        assert sorted(answer.status for answer in answers) == [200, 422], answers
        for tier in (moved, other):
            place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*", expect=200)


def test_one_draft_is_published_once(place):
    tier = place.make_tier(publish=False)
    answers = at_once([lambda: place.admin.post(f"/v1/tiers/{tier['id']}/publish", if_match="*")] * 20)
    assert [answer.status for answer in answers].count(200) == 1
    assert {answer.problem for answer in answers} == {None, "invalid_transition"}
    assert [row["terms_version"] for row in place.admin.list(f"/v1/tiers/{tier['id']}/versions")] == [1]


def test_nobody_is_in_a_retired_tier(place):
    """A partner comes while the tier ends: by creation and by a move."""
    home = place.make_tier(rank=1, band=(0, 0, 0))
    for turn in range(8):
        tier = place.make_tier(rank=10 + turn)
        row = place.act("partners", place.new_partner(home["id"]), "activate")
        body = {"name": f"Late {turn}", "type": "reseller", "country": "DE", "tier_id": tier["id"]}
        at_once([
            lambda: place.admin.post(f"/v1/tiers/{tier['id']}/retire", if_match="*"),
            lambda: place.admin.post("/v1/partners", body),
            lambda: place.admin.post(f"/v1/partners/{row['id']}/change-tier", {"tier_id": tier["id"], "reason": "x"},
                                     if_match=row["version"])])
        inside = place.admin.list("/v1/partners", {"tier_id": tier["id"]})
        assert place.refresh(tier)["status"] == ("published" if inside else "retired")


def test_two_presets_at_once(place):
    answers = at_once([lambda: place.admin.post("/v1/tiers/apply-preset", {"preset": "bronze_silver_gold"})] * 6)
    assert {answer.status for answer in answers} == {200}, answers
    assert [row["key"] for row in place.admin.list("/v1/tiers")] == ["bronze", "silver", "gold"]
