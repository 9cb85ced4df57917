# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own limit: pgbench sends the server's statements, prepared, in the same pipelines, on the same socket.

A script is made of several recordings of one kind of request. Parameters that are the same in all are sent as they were.
Where they differ, the places of ids, hashes and keys become random ones of the same form: an id of a loaded deal becomes
another loaded deal, any other a fresh one. Everything else (walls, types, order, round trips) stays as recorded.
"""
import glob
import os
import re
import subprocess
import time
from dataclasses import dataclass

from data import FIRST_NUMBER, ID_PREFIX
from support.postgres import binary

WARM_UP_S = 2
PROGRESS = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps", re.M)
TOKEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}")


@dataclass
class Script:
    text: str
    variables: dict


class ScriptMaker:
    """Turns recordings (each a list of round trips, each a list of calls) into one pgbench script."""

    def __init__(self, name, recordings, deals):
        self.name, self.recordings = name, recordings
        self.variables = {}
        self.lines = [
            f"\\set n random(0, {deals // 2 - 1}) * 2 + {FIRST_NUMBER}",
            "\\set a random(100, 999)",
            "\\set b random(100000000000, 999999999999)",
        ]

    def make(self):
        for trip, calls in enumerate(self.recordings[0]):
            self.lines.append("\\startpipeline")
            for index, call in enumerate(calls):
                others = [recording[trip][index] for recording in self.recordings[1:]]
                self.lines.append(self._statement(call, others) + ";")
            self.lines.append("\\endpipeline")
        return Script("\n".join(self.lines) + "\n", self.variables)

    def _statement(self, call, others):
        values = [
            self._value(value, [other.values[at] for other in others], call.types[at] if at < len(call.types) else "")
            for at, value in enumerate(call.values)
        ]
        sql = re.sub(r"--[^\n]*", "", call.sql).strip().rstrip(";")
        return re.sub(r"\$(\d+)", lambda match: values[int(match.group(1)) - 1], sql)

    def _value(self, value, others, type_name):
        cast = f"::{type_name}" if type_name else ""
        if value is None:
            return f"null{cast}"
        pieces = self._pieces(value, others)
        if len(pieces) == 1:
            return f"{pieces[0]}{cast}"
        return f"({' || '.join(piece + '::text' for piece in pieces)}){cast}"

    def _pieces(self, value, others):
        """The value as expressions to be joined: variables for what is constant, random ones for what differs."""
        pieces, end = [], 0
        theirs = [TOKEN.findall(other or "") for other in others]
        for index, match in enumerate(TOKEN.finditer(value)):
            seen = {tokens[index] for tokens in theirs if index < len(tokens)}
            if seen <= {match.group()}:
                continue
            pieces += self._constant(value[end:match.start()]) + self._random(match.group())
            end = match.end()
        return pieces + self._constant(value[end:]) or ["''"]

    def _constant(self, text):
        if not text:
            return []
        for name, known in self.variables.items():
            if known == text:
                return [f":{name}"]
        name = f"{self.name}_{len(self.variables)}"
        self.variables[name] = text
        return [f":{name}"]

    def _random(self, token):
        if token.startswith(ID_PREFIX):
            return self._constant(ID_PREFIX) + [":n"]
        kept = token[:20] if "-" in token else token[:-16]
        middle = "-" if "-" in token else "0"
        return self._constant(kept) + [":a"] + self._constant(middle) + [":b"]


def percentile(values, part):
    return values[min(len(values) - 1, int(len(values) * part))] if values else float("nan")


def latencies_ms(prefix, since):
    """The sampled transactions that began after `since`, sorted."""
    found = []
    for path in glob.glob(f"{prefix}.*"):
        with open(path, encoding="ascii") as log:
            for line in log:
                _, _, elapsed_us, _, second, microsecond = line.split()[:6]
                end = int(second) + int(microsecond) / 1e6
                if end - int(elapsed_us) / 1e6 >= since:
                    found.append(int(elapsed_us) / 1000)
        os.unlink(path)
    return sorted(found)


def arguments(weighted_scripts, folder, port, database, clients, seconds):
    command = [binary("pgbench"), "-n", "-M", "prepared", "-c", clients, "-j", min(2, os.cpu_count()), "-T", seconds,
               "-h", folder, "-p", port, "-U", "postgres", "-P", 1, "-l", "--sampling-rate=0.1",
               f"--log-prefix={folder}/pgbench"]
    for index, (script, weight) in enumerate(weighted_scripts):
        path = os.path.join(folder, f"script_{index}.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script.text)
        command += ["-f", f"{path}@{weight}"]
        for name, value in script.variables.items():
            command += ["-D", f"{name}={value}"]
    return [str(part) for part in command] + [database]


def run(weighted_scripts, folder, port, database, clients, seconds, spent_us):
    """Runs pgbench with [(script, weight)]; returns transactions/s, p50 ms, p99 ms and CPU µs a transaction.

    The first two seconds do not count: connections are made then, and each plans its statements. `spent_us` tells the CPU
    time PostgreSQL has used so far.
    """
    seconds = max(1, round(seconds))
    command = arguments(weighted_scripts, folder, port, database, clients, WARM_UP_S + seconds)
    environment = {**os.environ, "PGOPTIONS": "-c role=partnerd_app -c jit=off -c timezone=UTC"}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    time.sleep(WARM_UP_S)
    before, since = spent_us(), time.time()
    output, progress = child.communicate(timeout=seconds + 120)
    spent = spent_us() - before
    if child.returncode != 0 or "aborted" in progress:
        raise RuntimeError(f"pgbench failed:\n{output[-2000:]}\n{progress[-4000:]}")
    marks = [(float(at), float(rate)) for at, rate in PROGRESS.findall(progress)]
    counted = [rate for at, rate in marks if at > WARM_UP_S + 0.5][:seconds]
    rate = sum(counted) / len(counted)
    times = latencies_ms(f"{folder}/pgbench", since)
    return rate, percentile(times, 0.5), percentile(times, 0.99), spent / (rate * seconds)
