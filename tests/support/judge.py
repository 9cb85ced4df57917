# SPDX-License-Identifier: Apache-2.0
"""Judgements that many tests share."""
import re
import uuid

from support import wait

BOOKKEEPING = ("version", "updated_at")


def without(row, *names):
    return {name: value for name, value in row.items() if name not in names}


NOBODY = "6f1c0de0-0000-4000-8000-000000000000"  # in parameters of tests, which every worker must call the same


def nobody():
    """An id that names nothing."""
    return str(uuid.uuid4())


def same_refusal(one, other):
    """Two problems that a caller cannot tell apart: equal but for the request's own path and id."""
    assert one.status == other.status, (one, other)
    assert without(one.json, "instance", "request_id") == without(other.json, "instance", "request_id")
    differing = {"request-id", "date", "content-length", "ratelimit"}
    headers = [{name.lower(): value for name, value in answer.headers.items() if name.lower() not in differing}
               for answer in (one, other)]
    assert headers[0] == headers[1]


def is_as_missing(client, path, foreign_id, method="GET", **options):
    """What is foreign is refused exactly as what does not exist."""
    foreign = client.request(method, path.replace("{}", foreign_id), **options)
    missing = client.request(method, path.replace("{}", nobody()), **options)
    assert foreign.status == 404 and foreign.problem == "not_found", foreign
    same_refusal(foreign, missing)


def events_of(client, resource_id, count):
    """The resource's events once the feed has them: it follows the sealer, not the write."""
    def complete():
        events = client.list("/v1/events", {"resource_id": resource_id})
        return events if len(events) >= count else None
    return wait.until(complete, f"{count} events of {resource_id} in the feed")


def path_of(row):
    """Where a resource is: /v1/user-identities/0193…"""
    plural = re.sub("([^aeiou])ys$", r"\1ies", f"{row['object']}s").replace("_", "-")
    return f"/v1/{plural}/{row['id']}"


def command_is_consistent(client, answer, moving=()):
    """The answer of a command equals the GET after it, in body and ETag, but for members that move by themselves."""
    row = answer.json
    after = client.get(path_of(row))
    assert without(answer.json, *moving) == without(after.json, *moving)
    assert answer.etag == after.etag == f'"{row["version"]}"'
    return row
