# SPDX-License-Identifier: Apache-2.0
"""Real concurrency: every thread waits at one barrier, then all go at once."""
import threading


def at_once(calls):
    """Runs the calls in a thread each, started together; returns their results in order, raises the first failure."""
    calls = list(calls)
    barrier = threading.Barrier(len(calls))
    results, failures = [None] * len(calls), []

    def run(index, call):
        try:
            barrier.wait(60)
            results[index] = call()
        except BaseException as failure:  # noqa: B902 — handed to the caller's thread
            failures.append(failure)

    threads = [threading.Thread(target=run, args=entry, daemon=True) for entry in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads), "a call hangs"
    return results


class Load:
    """Threads that call `work(index)` over and over until told to stop; failures are kept and raised by stop()."""

    def __init__(self, work, threads):
        self.is_over = threading.Event()
        self.failures = []
        self.threads = [threading.Thread(target=self._run, args=(work, index), daemon=True)
                        for index in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self, work, index):
        while not self.is_over.is_set():
            try:
                work(index)
            except BaseException as failure:  # noqa: B902 — handed to the caller's thread
                self.failures.append(failure)
                return

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in self.threads), "a call hangs"
        if self.failures:
            raise self.failures[0]
