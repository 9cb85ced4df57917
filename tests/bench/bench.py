# SPDX-License-Identifier: Apache-2.0
"""scripts/bench: how far the server is from PostgreSQL's own limit, in one run, with interleaved rounds and medians.

  bench.py            the work items at 20 thousand deals against the limit
  bench.py scale      reading, listing, searching, checking and registering at 2 million deals against 10 thousand
  bench.py memory     resident memory at 1,000 idle connections, and its growth over a million requests
  bench.py logins     the latency of a page of deals with and without a flood of sign-ins, and sign-ins a second
  bench.py tokens     the cost of a request whose token is verified, and of one whose token is in the cache

Absolute figures depend on the machine and the hour; ratios within one run are what counts, and what the exit status
judges. BENCH_SECONDS, BENCH_ROUNDS, BENCH_DEALS, BENCH_DEALS_SCALE_FROM, BENCH_DEALS_SCALE, BENCH_CONNECTIONS, BENCH_REQUESTS change the amounts.
"""
import os
import resource
import socket
import statistics
import sys

import logins
import meter
import stage
import tokens

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
DEALS = int(os.environ.get("BENCH_DEALS", "20000"))
DEALS_SCALE_FROM = int(os.environ.get("BENCH_DEALS_SCALE_FROM", "10000"))
DEALS_SCALE = int(os.environ.get("BENCH_DEALS_SCALE", "2000000"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "1000000"))

WORKS = {
    "w1": "GET one deal by id",
    "w2": "GET a page of 50 deals",
    "w3": "POST a deal",
    "w4": "80 % W1, 15 % W2, 5 % W3",
}
SCALE_WORKS = {
    "w1": WORKS["w1"], "w2": WORKS["w2"], "w5": "GET a page of 50, filtered and sorted", "w6": "GET a search by name",
    "w7": "POST a check", "w3": WORKS["w3"],
}
LIMITS = {"w1": 0.30, "w2": 0.50, "w3": 0.70, "w4": 0.50}
SCALE_LIMIT = 0.9
SEARCH_LIMIT = 0.1  # the lists of a trigram index grow with the deals, and have to be compared
IDLE_CONNECTIONS, IDLE_MIB = 1000, 40
GROWTH_MIB = 2
FLOOD_LIMIT = 3


def say(text):
    print(text, file=sys.stderr, flush=True)


def table(title, head, rows):
    rows = [head] + rows
    widths = [max(len(str(row[at])) for row in rows) for at in range(len(head))]
    print(f"\n{title}\n")
    for row in rows:
        cells = [str(cell).ljust(width) if at == 0 else str(cell).rjust(width)
                 for at, (cell, width) in enumerate(zip(row, widths))]
        print("  " + "  ".join(cells).rstrip())


def verdict(is_met):
    return "met" if is_met else "MISSED"


def measure_rounds(pairs):
    """pairs: {(work, side): measure function}. Every round measures all of them once, the sides of a work in a row.

    Returns {(work, side): [measure of each round]}.
    """
    seen = {key: [] for key in pairs}
    for turn in range(1, ROUNDS + 1):
        for (work, side), measure in pairs.items():
            result = measure()
            seen[work, side].append(result)
            say(f"round {turn} {work} {side}: {result.rate:,.0f}/s")
    return seen


def ratio_of(above, below):
    """Median over the rounds of the ratio within each: the machine changes more from round to round than in one."""
    return statistics.median(one.rate / other.rate for one, other in zip(above, below))


def bench_limit(cluster):
    place = stage.Stage(cluster, "bench", DEALS)

    def settled(measure, work):
        def run():
            place.settle()
            return measure(work)
        return run

    rounds = measure_rounds({
        (work, side): settled(measure, work)
        for work in WORKS for side, measure in (("server", place.serving), ("limit", place.limited))
    })
    rows, is_met = [], True
    for work, what in WORKS.items():
        ratio = ratio_of(rounds[work, "server"], rounds[work, "limit"])
        server, limit = stage.median(rounds[work, "server"]), stage.median(rounds[work, "limit"])
        is_met &= ratio >= LIMITS[work]
        rows.append([
            f"{work.upper()} {what}", f"{server.rate:,.0f}", f"{server.p50_ms:.1f}", f"{server.p99_ms:.1f}",
            f"{server.server_us:.0f}", f"{server.postgres_us:.0f}", f"{limit.rate:,.0f}", f"{limit.p50_ms:.1f}",
            f"{limit.p99_ms:.1f}", f"{limit.postgres_us:.0f}", f"{ratio:.2f}", f"{LIMITS[work]:.2f}",
            verdict(ratio >= LIMITS[work])])
    table(f"{DEALS:,} deals, {stage.CONNECTIONS} connections, medians of {ROUNDS} rounds of {stage.SECONDS:g} s",
          ["", "req/s", "p50 ms", "p99 ms", "server µs", "pg µs", "limit req/s", "p50 ms", "p99 ms", "pg µs", "ratio",
           "wanted", ""], rows)
    return is_met


def bench_scale(cluster):
    small, large = (stage.Stage(cluster, name, deals, records=False)
                    for name, deals in (("small", DEALS_SCALE_FROM), ("large", DEALS_SCALE)))

    def settled(place, work):
        def run():
            place.settle()
            return place.serving(work)
        return run

    rounds = measure_rounds({(work, place.name): settled(place, work) for work in SCALE_WORKS for place in (small, large)})
    rows, is_met = [], True
    for work in SCALE_WORKS:
        ratio = ratio_of(rounds[work, "large"], rounds[work, "small"])
        wanted = SEARCH_LIMIT if work == "w6" else SCALE_LIMIT
        is_met &= ratio >= wanted
        rows.append([f"{work.upper()} {SCALE_WORKS[work]}", f"{stage.median(rounds[work, 'small']).rate:,.0f}",
                     f"{stage.median(rounds[work, 'large']).rate:,.0f}", f"{ratio:.2f}", f"{wanted:.2f}",
                     verdict(ratio >= wanted)])
    table(f"Scale, medians of {ROUNDS} rounds of {stage.SECONDS:g} s",
          ["", f"{DEALS_SCALE_FROM:,} deals req/s", f"{DEALS_SCALE:,} deals req/s", "ratio", "wanted", ""], rows)
    return is_met


def hold_connections(server, token, count):
    """Opens keep-alive connections that have each had an answer, and leaves them idle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 100:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 100), hard))
    request = f"GET /v1/me HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    held = []
    for _ in range(count):
        connection = socket.create_connection((server.host, server.port))
        connection.sendall(request)
        if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("a connection was not served")
        held.append(connection)
    return held


def idle_memory(place):
    server = place.start()
    try:
        empty = meter.resident_mib(server.child.pid)
        held = hold_connections(server, place.token(server), IDLE_CONNECTIONS)
        full = meter.resident_mib(server.child.pid)
        for connection in held:
            connection.close()
        return empty, full
    finally:
        server.stop()


def growth(place):
    """Memory after a tenth of the requests, when caches and pools are full, and after all of them."""
    server = place.start()
    try:
        environment = place.environment(server, "w1")
        done, marks = 0, []
        for goal in (REQUESTS // 10, REQUESTS + REQUESTS // 10):
            while done < goal:
                measure = place.drive(server, environment, 5)
                done += int(measure.rate * 5)
            marks.append(meter.resident_mib(server.child.pid))
            say(f"{done:,} requests: {marks[-1]:.1f} MiB")
        return marks
    finally:
        server.stop()


def bench_memory(cluster):
    place = stage.Stage(cluster, "bench", DEALS)
    empty, full = idle_memory(place)
    before, after = growth(place)
    rows = [
        [f"{IDLE_CONNECTIONS:,} idle connections", f"{empty:.1f}", f"{full:.1f}", f"< {IDLE_MIB}", verdict(full < IDLE_MIB)],
        [f"{REQUESTS:,} requests (W1)", f"{before:.1f}", f"{after:.1f}", f"grows < {GROWTH_MIB}",
         verdict(after - before < GROWTH_MIB)],
    ]
    table("Resident memory in MiB", ["", "before", "after", "wanted", ""], rows)
    return full < IDLE_MIB and after - before < GROWTH_MIB


def bench_logins(cluster):
    place = stage.Stage(cluster, "bench", DEALS)
    rounds = []
    for turn in range(1, ROUNDS + 1):
        rounds.append(logins.measure(place))
        say(f"round {turn}: p99 {rounds[-1].quiet.p99_ms:.1f} ms quiet, {rounds[-1].elsewhere.p99_ms:.1f} ms beside a flood, "
            f"{rounds[-1].flooded.p99_ms:.1f} ms in it")
    of = {side: stage.median([getattr(one, side) for one in rounds]) for side in ("quiet", "elsewhere", "flooded")}
    let_in, refused, alone = (statistics.median(getattr(one, name) for one in rounds)
                              for name in ("let_in", "refused", "alone"))

    def row(what, side, *sign_ins):
        return [what, f"{of[side].rate:,.0f}", f"{of[side].p50_ms:.1f}", f"{of[side].p99_ms:.1f}", *sign_ins]

    table(f"A flood of sign-ins on {logins.FLOOD} connections; {logins.READERS} others read pages of 50 deals, medians of "
          f"{ROUNDS} rounds of {stage.SECONDS:g} s",
          ["", "pages/s", "p50 ms", "p99 ms", "sign-ins/s", "refused/s"],
          [row("pages alone", "quiet", "", ""), row("flood at another server of the machine", "elsewhere", "", ""),
           row("flood at the same server", "flooded", f"{let_in:.1f}", f"{refused:.0f}"),
           ["flood alone", "", "", "", f"{alone:.1f}", ""]])
    ratios = {name: statistics.median(getattr(one.flooded, name) / getattr(one.elsewhere, name) for one in rounds)
              for name in ("p50_ms", "p99_ms")}
    table("The same server against another", ["", "ratio", "wanted", ""],
          [[name[:3], f"{ratio:.2f}", f"< {FLOOD_LIMIT}", verdict(ratio < FLOOD_LIMIT)] for name, ratio in ratios.items()])
    return max(ratios.values()) < FLOOD_LIMIT


def bench_tokens(cluster):
    place = stage.Stage(cluster, "bench", DEALS)
    made = tokens.make(place)
    rows, is_met = [], True
    for what, path in tokens.PATHS.items():
        rounds = [tokens.measure(place, path, made) for _ in range(ROUNDS)]
        first, again = tokens.medians(rounds)
        is_met &= again < first
        rows.append([what, f"{first:.0f}", f"{again:.0f}", f"{first - again:.0f}", "> 0", verdict(again < first)])
    table(f"CPU time of the server in µs a request, {tokens.TOKENS:,} tokens, medians of {ROUNDS} rounds",
          ["GET", "token verified", "token cached", "saved", "wanted", ""], rows)
    return is_met


MODES = {"limit": bench_limit, "scale": bench_scale, "memory": bench_memory, "logins": bench_logins,
         "tokens": bench_tokens}


def main():
    names = sys.argv[1:] or ["limit"]
    unknown = [name for name in names if name not in MODES]
    if unknown:
        sys.exit(f"usage: scripts/bench [{'|'.join(MODES)} …]")
    is_met = True
    for name in names:
        cluster = stage.cluster()
        try:
            is_met &= MODES[name](cluster)
        finally:
            cluster.remove()
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
