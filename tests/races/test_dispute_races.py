# SPDX-License-Identifier: Apache-2.0
"""Disputes at once: one case for a deal, no evidence lost between the doors, one decision, one appeal."""
import json

from support.parallel import at_once


def post(client, path, body, **options):
    return lambda: client.post(path, body, **{"expect": None, **options})


def statuses(answers):
    return sorted(answer.status for answer in answers)


def test_one_case_for_a_deal(world):
    deal = world.deal_in("rejected")
    body = {"deal_id": deal["id"], "ground": "rejection", "statement": "x"}
    answers = at_once([post(client, "/v1/disputes", body) for client in (world.admin, world.partner("a").api) * 6])
    assert statuses(answers) == [201] + [409] * 11
    opened = next(answer["id"] for answer in answers if answer.status == 201)
    assert all(answer.problem == "already_exists" and answer["resource_id"] == opened
               for answer in answers if answer.status == 409)


def test_what_was_accepted_is_in_the_bundle(world):
    """Evidence against the end of evidence: refused, or frozen with the rest; never taken and left out."""
    row = world.dispute_in("evidence")
    submit = [post(world.partner("a").api, "/v1/dispute-evidence", {
        "dispute_id": row["id"], "title": f"Number {number}", "text": "x"}) for number in range(12)]
    finish = post(world.admin, f"/v1/disputes/{row['id']}/finish-evidence", {"party": "claimant"}, if_match="*")
    *taken, finished = at_once([*submit, finish])
    assert finished.status == 200
    assert {answer.status for answer in taken} <= {201, 409}
    assert all(answer.problem == "evidence_closed" for answer in taken if answer.status == 409)
    world.until_frozen(row)
    bundle = world.admin.get(f"/v1/disputes/{row['id']}/bundle").body.decode()
    frozen = {line["row"]["id"] for line in map(json.loads, bundle.splitlines()) if line["object"] == "dispute_evidence"}
    assert frozen == {answer["id"] for answer in taken if answer.status == 201}


def test_both_parties_finish_at_once(world):
    row = world.open_dispute()
    other = world.deal_in("rejected", world.partner("b"))
    row = world.act("disputes", row, "start-evidence", {"respondent_deal_id": other["id"]})
    answers = at_once([post(world.partner(name).api, f"/v1/disputes/{row['id']}/finish-evidence", {}, if_match="*")
                       for name in "ab"])
    assert {answer.status for answer in answers} <= {200, 409}
    for name, answer in zip("ab", answers):
        if answer.status == 409:  # the other one moved the row twice in a row; it is still open for this one
            world.partner(name).api.post(f"/v1/disputes/{row['id']}/finish-evidence", {}, if_match="*", expect=200)
    assert world.until_frozen(row)["bundle_sha256"]


def test_one_decision_and_one_appeal(world):
    row = world.dispute_in("frozen", respondent=world.deal_in("rejected", world.partner("b")))
    path = f"/v1/disputes/{row['id']}"
    body = {"outcome": "dismissed", "rule": "program_policy", "reason": "x"}
    answers = at_once([post(client, f"{path}/decide", body, if_match=row["version"])
                       for client in (world.admin, world.user("reviewer")) * 4])
    assert [answer.status for answer in answers].count(200) == 1, statuses(answers)
    assert all(answer.status == 200 or answer.problem in ("precondition_failed", "invalid_transition", "conflict")
               for answer in answers)
    answers = at_once([post(world.partner(name).api, f"{path}/appeal", {"reason": name}, if_match="*") for name in "abab"])
    assert [answer.status for answer in answers].count(200) == 1, statuses(answers)
    kinds = [event["type"] for event in world.admin.list("/v1/events", {"resource_id": row["id"]})]
    assert kinds.count("dispute.decided") <= 2 and kinds.count("dispute.appealed") <= 2, "once for each side"
