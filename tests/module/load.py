"""Clients in threads: load whose every answer is looked at."""

import threading

from client import Closed


class Load:
    """THREADS clients that ask until the with block ends.

    ask(server, n) does the n-th request of a client and returns its Reply.
    Lost connections are counted; any other trouble is kept in .errors."""

    def __init__(self, server, ask, threads=4):
        self.server, self.ask = server, ask
        self.done = self.lost = 0
        self.refused = []           # replies other than 200
        self.errors = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(n,))
                         for n in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, n):
        while not self._stop.is_set():
            n += len(self._threads)
            try:
                reply = self.ask(self.server, n)
            except (Closed, OSError):
                with self._lock:
                    self.lost += 1
                continue
            except Exception as e:          # noqa: BLE001 (kept and shown)
                self.errors.append(repr(e))
                return
            with self._lock:
                self.done += 1
                if reply.status != 200:
                    self.refused.append(reply)


def alternate(*names, path="/"):
    """Ask the vhosts NAMES in turn; each must answer with its own name."""
    def ask(server, n):
        name = names[n % len(names)]
        reply = server.get(path, name)
        assert reply.status != 200 or reply.text == name, (name, reply)
        return reply
    return ask
