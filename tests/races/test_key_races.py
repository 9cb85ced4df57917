# SPDX-License-Identifier: Apache-2.0
"""Keys change while two instances serve: whatever one of them signs, the other takes, at every moment."""
import itertools

from support import wait
from support.client import Client
from support.parallel import Load
from support.server import partnerd
from support.tokens import header_of
from support.world import World, client_token

ROTATIONS = 8


class Traffic:
    """Clients that get a token from one instance and use it at both, over and over, old tokens among them."""

    def __init__(self, servers, world):
        self.servers, self.client = servers, world.make_client(["deals:read"])
        self.kids, self.uses, self.fresh = set(), itertools.count(), [None, None]
        self.first = client_token(servers[0], *self.client)

    def work(self, index):
        signer = self.servers[index % 2]
        token = client_token(signer, *self.client)
        self.kids.add(header_of(token)["kid"])
        self.fresh[index % 2] = token
        for one in (token, self.first, *filter(None, self.fresh)):
            for server in self.servers:
                answer = Client(server, one).get("/v1/deals?limit=1", expect=None)
                assert answer.status == 200, f"{server.port} refused {header_of(one)}: {answer}"
                next(self.uses)


def key(url, *arguments):
    done = partnerd("key", *arguments, database_url=url)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_no_token_is_rejected_while_keys_rotate(new_database, new_server):
    url = new_database()
    servers = [new_server(url), new_server(url)]
    world = World(servers[0], url)
    traffic = Traffic(servers, world)
    load = Load(traffic.work, 6)
    rotated = set()
    for turn in range(ROTATIONS):
        if turn % 3 == 2:
            made = key(url, "create")["next_kid"]
            # What `activate` without --now waits 300 s for: that everybody has heard of the key.
            for server in servers:
                wait.until(lambda: made in {one["kid"] for one in Client(server).get("/.well-known/jwks.json")["keys"]},
                           "the key is published")
            rotated.add(key(url, "activate", made, "--now")["active_kid"])
        else:
            rotated.add(key(url, "rotate", "--now")["active_kid"])
        wait.until(lambda: load.failures or rotated & traffic.kids == rotated, "tokens of the new key are about")
        retiring = [line.split("\t")[0] for line in partnerd("key", "list", database_url=url).stdout.splitlines()
                    if line.split("\t")[2] == "retiring"]
        for kid in reversed(retiring):
            # Room for the next ones: the oldest whose tokens nobody here holds.
            if len(retiring) > 5 and kid not in (header_of(traffic.first)["kid"], *map(kid_of, traffic.fresh)):
                key(url, "retire", kid, "--now")
                break
    load.stop()
    assert len(rotated) == ROTATIONS and rotated <= traffic.kids
    assert next(traffic.uses) > 10 * ROTATIONS


def kid_of(token):
    return token and header_of(token)["kid"]


def test_an_unknown_key_is_asked_for_by_all_who_meet_it(new_database, new_server):
    """A key made and activated in one breath: whoever comes with its token while the table is read waits for it."""
    url = new_database()
    servers = [new_server(url), new_server(url)]
    world = World(servers[0], url)
    client = world.make_client(["deals:read"])
    for _ in range(3):
        key(url, "activate", key(url, "create")["next_kid"], "--now")
        token = client_token(servers[0], *client)
        load = Load(lambda index: Client(servers[1], token).get("/v1/deals?limit=1"), 8)
        wait.until(lambda: load.failures or Client(servers[1], token).get("/v1/me", expect=None).status == 200, "known")
        load.stop()
