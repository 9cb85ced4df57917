# SPDX-License-Identifier: Apache-2.0
"""People at once: a program keeps an admin whoever goes in the same moment; a token is spent once."""
import pytest

from support.client import Client
from support.parallel import at_once
from support.world import PASSWORD, World

ROUNDS = 6


@pytest.mark.parametrize("first, second", [
    (("deactivate", None), ("deactivate", None)),
    (("deactivate", None), ("change-role", {"role": "viewer"})),
    (("change-role", {"role": "viewer"}), ("change-role", {"role": "finance"})),
])
def test_two_admins_do_not_remove_each_other(server, database_url, first, second):
    for _ in range(ROUNDS):
        world = World(server, database_url)
        other = world.make_user("admin")

        def act(client, whom, action, body):
            return client.post(f"/v1/users/{whom}/{action}", body, if_match="*")

        answers = at_once([lambda: act(world.admin, other.id, *first), lambda: act(other, world.admin_id, *second)])
        # Who came second is refused by the rule, or finds their own token cut off already.
        assert sorted(answer.status for answer in answers) in ([200, 401], [200, 409]), answers
        left = world.admin if answers[0].status == 200 else other
        admins = [row for row in left.list("/v1/users", {"role": "admin", "status": "active"})]
        assert len(admins) == 1


def test_a_chain_of_admins_leaves_one(server, database_url):
    world = World(server, database_url)
    admins = [world.make_user("admin") for _ in range(5)]
    ring = list(zip(admins, admins[1:] + admins[:1]))
    world.act("users", admins[0].get(f"/v1/users/{world.admin_id}").json, "deactivate", by=admins[0])
    answers = at_once([lambda by=by, whom=whom: by.post(f"/v1/users/{whom.id}/deactivate", None, if_match="*")
                       for by, whom in ring])
    assert {answer.status for answer in answers} <= {200, 401, 409}
    assert [answer.status for answer in answers].count(200) < 5


def test_accepting_and_withdrawing_at_once(world, server):
    for _ in range(ROUNDS):
        made = world.invite("viewer")
        accepted, withdrawn = at_once([
            lambda: Client(server).post("/v1/invitations/accept", {
                "token": made["invitation_token"], "password": PASSWORD}),
            lambda: world.admin.post(f"/v1/users/{made['id']}/deactivate", None, if_match=1)])
        row = world.refresh(made)
        if withdrawn.status == 200:
            assert accepted.status == 422 and row["status"] == "disabled", (accepted, withdrawn)
        else:
            assert accepted.status == 200 and withdrawn.status == 412 and row["status"] == "active", (accepted, withdrawn)
