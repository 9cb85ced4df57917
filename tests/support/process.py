# SPDX-License-Identifier: Apache-2.0
"""Child processes that cannot outlive the test run: the kernel ends them when the run is killed."""
import ctypes
import os
import pwd
import signal
import subprocess

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def spawn(arguments, death_signal=signal.SIGTERM, **options):
    """Starts a process that gets `death_signal` when this one ends. Call it from the main thread only."""
    return subprocess.Popen(
        [str(argument) for argument in arguments],
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0),
        **options,
    )


def unprivileged():
    """Popen options for what refuses to run as root (PostgreSQL); nothing when we are not root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
