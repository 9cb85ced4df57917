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
from dataclasses import dataclass

from data import FIRST_NUMBER, ID_PREFIX
from support.postgres import binary

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


def latencies_ms(prefix):
    found = []
    for path in glob.glob(f"{prefix}.*"):
        with open(path, encoding="ascii") as log:
            found += [int(line.split()[2]) / 1000 for line in log]
        os.unlink(path)
    return sorted(found)


def run(weighted_scripts, folder, port, database, clients, seconds):
    """Runs pgbench with [(script, weight)] and returns (transactions, transactions/s, p50 ms, p99 ms)."""
    command = [binary("pgbench"), "-n", "-M", "prepared", "-c", clients, "-j", min(2, os.cpu_count()), "-T", seconds,
               "-h", folder, "-p", port, "-U", "postgres", "-l", "--sampling-rate=0.1",
               f"--log-prefix={folder}/pgbench"]
    for index, (script, weight) in enumerate(weighted_scripts):
        path = os.path.join(folder, f"script_{index}.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script.text)
        command += ["-f", f"{path}@{weight}"]
        for name, value in script.variables.items():
            command += ["-D", f"{name}={value}"]
    options = "-c role=partnerd_app -c jit=off -c timezone=UTC"
    done = subprocess.run([str(part) for part in command] + [database], capture_output=True, text=True,
                          env={**os.environ, "PGOPTIONS": options}, timeout=seconds + 120)
    count = re.search(r"number of transactions actually processed: (\d+)", done.stdout)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.M)
    if done.returncode != 0 or not count or not rate or (failed and failed.group(1) != "0"):
        raise RuntimeError(f"pgbench failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    times = latencies_ms(f"{folder}/pgbench")
    return int(count.group(1)), float(rate.group(1)), percentile(times, 0.5), percentile(times, 0.99)
