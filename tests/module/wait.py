"""Waiting for something to become true, never for time to pass."""

import time


def wait_until(probe, what, timeout=10.0, step=0.02):
    """Call PROBE until it answers something true; return that answer."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(step)
