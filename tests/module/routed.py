"""A stock server that says of each connection what the router said."""

import pytest

import probe as probes
import routing


class Routed:
    """A stock server with the probe, and the vhosts of routing.Topology."""

    def __init__(self, make, *flags, timeout=None, accept_filter="none",
                 sanitizer=False, modules=(), config=""):
        self.server = make("prefork", ("ssl", "remoteip", "socache_shmcb",
                                       *modules),
                           MaxRequestWorkers=60, Timeout=20)
        self.server.add(config)
        self.server.add(f"AcceptFilter http {accept_filter}\n"
                        f"AcceptFilter https {accept_filter}\n")
        if sanitizer:
            self.server.env = {"LD_PRELOAD": probes.sanitizer(),
                               "ASAN_OPTIONS": "detect_leaks=0"}
        self.probe = probes.Probe(self.server, *flags, timeout=timeout)
        self.topology = routing.Topology(self.server)
        self.server.start()
        self.failures = []
        self.kinds = {}
        self.whys = {}
        self.pairs = set()

    def run(self, name, role, chunks, **kw):
        """One connection; the Answer."""
        port, self.reply = routing.exchange(self.topology.at[role], chunks,
                                            **kw)
        return self.probe.answer(port)

    def judge(self, case, **kw):
        """Note a difference between router and httpd."""
        name, role, chunks = case
        answer = self.run(name, role, chunks, **kw)
        self.kinds[answer.kind] = self.kinds.get(answer.kind, 0) + 1
        self.whys[answer.why] = self.whys.get(answer.why, 0) + 1
        if answer.served == "-":
            return answer       # httpd closed without logging a request
        self.pairs.add((role, answer.served))
        if answer.routed != answer.served or answer.kind not in (
                "server", "undecided"):
            self.failures.append(f"{role}: {name}: {chunks!r:.400}: {answer}")
        return answer

    def check(self):
        """Every difference so far, as one failure."""
        self.server.log.expect(routing.LOUD, required=False)
        failures, self.failures = self.failures, []
        assert not failures, f"{len(failures)} differ:\n" + "\n".join(failures)


def skip_without_probe():
    """Skip the test where the probe cannot be built."""
    reason = probes.available()
    if reason:
        pytest.skip(reason)
