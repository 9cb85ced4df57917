# SPDX-License-Identifier: Apache-2.0
"""Waiting for a fact instead of sleeping: poll until it is true, fail when a generous deadline has passed.

Deadlines only bound how long a broken run hangs; no test measures time with them.
"""
import time

DEADLINE_S = 20.0


def until(fact, what, deadline_s=DEADLINE_S, pause_s=0.02):
    """Calls `fact` until it returns something true and returns that; `what` names it in the failure."""
    end = time.monotonic() + deadline_s
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s:g} s: {what}")
        time.sleep(pause_s)
