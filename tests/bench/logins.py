# SPDX-License-Identifier: Apache-2.0
"""What a flood of sign-ins does to everybody else, and how many of them are let in meanwhile.

The others ask for pages of deals at a pace that leaves the machine some rest; a server that is saturated by them alone
has no latency to keep. The flood comes on more connections than there are lanes, all of them with the right password.

The flood and the hashes cost the machine itself something, the more the fewer its cores. So the same flood is sent to a
second server on the same machine, too: what it costs readers of the first is the machine's share, and what it costs more
when both go to one server is the server's. When workers hashed passwords themselves that was a factor of five.
"""
import json
import os
import re
import subprocess
import urllib.request
from dataclasses import dataclass

import stage

READERS, PAUSE_MS = 16, 10
FLOOD, FLOOD_PAUSE_MS = 48, 10
SIGN_INS = re.compile(r'^partnerd_http_requests_total\{method="POST",route="/v1/sessions",status="(\d+)"\} (\d+)$', re.M)


@dataclass
class Round:
    quiet: stage.Measure
    elsewhere: stage.Measure  # the flood goes to another server of the machine
    flooded: stage.Measure
    let_in: float  # a second, beside the readers
    refused: float
    alone: float  # let in a second, without readers


class Flood:
    def __init__(self, server, place, seconds):
        email, password = place.person
        environment = {**os.environ, "WORK": "login", "TOKEN": "", "DEALS": "2", "PAUSE_MS": str(FLOOD_PAUSE_MS),
                       "BODY": json.dumps({"email": email, "password": password})}
        self.child = subprocess.Popen(
            ["wrk", "-t1", f"-c{FLOOD}", f"-d{seconds:g}s", "--timeout", "30s", "-s", str(stage.HERE / "work.lua"),
             f"http://{server.host}:{server.port}"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self):
        output, _ = self.child.communicate(timeout=120)
        if self.child.returncode != 0:
            raise RuntimeError(f"wrk failed: {output}")


def counts(server):
    with urllib.request.urlopen(f"http://{server.host}:{server.admin_port}/metrics", timeout=30) as page:
        return {int(status): int(count) for status, count in SIGN_INS.findall(page.read().decode())}


def rate(before, after, chosen, seconds):
    return sum(count - before.get(status, 0) for status, count in after.items() if chosen(status)) / seconds


def read_beside(place, server, environment, flooded, seconds):
    """The readers' measure, and the sign-ins that the flooded server counted meanwhile."""
    flood, before = Flood(flooded, place, seconds + 1), counts(flooded)
    measured = place.drive(server, environment, seconds, READERS)
    after = counts(flooded)
    flood.end()
    return measured, before, after


def measure(place, seconds=stage.SECONDS):
    server, other = place.start(), place.start()
    try:
        environment = place.environment(server, "w2", PAUSE_MS=str(PAUSE_MS))
        place.drive(server, environment, 1, READERS)
        quiet = place.drive(server, environment, seconds, READERS)
        elsewhere, _, _ = read_beside(place, server, environment, other, seconds)
        flooded, before, after = read_beside(place, server, environment, server, seconds)
        start = counts(server)
        Flood(server, place, seconds).end()
        return Round(quiet, elsewhere, flooded, rate(before, after, lambda status: status == 201, seconds),
                     rate(before, after, lambda status: status >= 400, seconds),
                     rate(start, counts(server), lambda status: status == 201, seconds))
    finally:
        server.stop()
        other.stop()
