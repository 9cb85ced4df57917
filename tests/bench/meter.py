# SPDX-License-Identifier: Apache-2.0
"""CPU time and memory of processes, from /proc."""
import os

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """Parent, and CPU ticks of the process itself and of children it has waited for; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


def cpu_us(pid):
    """Of the process, its living descendants and the children it has waited for. PostgreSQL waits for its backends."""
    parents, own = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        stat = _stat(name)
        if stat:
            parents[int(name)], own[int(name)] = stat[0], stat[1]
    waited = _stat(pid)[2]
    total = own[pid] + waited
    family = [child for child, parent in parents.items() if parent == pid]
    while family:
        child = family.pop()
        total += own[child]
        family += [grandchild for grandchild, parent in parents.items() if parent == child]
    return total * TICK_US


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"no VmRSS of {pid}")
