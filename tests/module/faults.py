"""Harms chosen messages between the processes of a server, on their way
(helpers/faults.c, preloaded into a really started httpd)."""

import contextlib
import ctypes
import enum
import mmap
import os

import helpers_build
import probe

N_RULES = 4             # as in helpers/faults.c
FIELDS = {"magic": (0, 4), "type": (4, 2), "flags": (6, 2), "gen": (8, 4),
          "ident": (12, 4), "slot": (16, 4), "serial": (20, 4),
          "nonce": (24, 8), "value": (32, 4), "until": (36, 4)}


class What(enum.IntEnum):
    """What is done to a message; as in helpers/faults.c."""
    FAIL = 1
    LOSE = 2
    RESIZE = 3
    NO_FD = 4
    MORE_FD = 5
    SET = 6
    ADD = 7
    NO_ROOM = 8
    DELAY = 9


class _Rule(ctypes.Structure):
    _fields_ = [("left", ctypes.c_uint32), ("where", ctypes.c_uint32),
                ("type", ctypes.c_uint32), ("pid", ctypes.c_int32),
                ("what", ctypes.c_uint32), ("offset", ctypes.c_uint32),
                ("size", ctypes.c_uint32), ("hits", ctypes.c_uint32),
                ("value", ctypes.c_int64)]


SEND, RECV, FORK = 1, 2, 3


class Rule:
    """WHAT happens to the next message of TYPE (its number in itk_wire.h).
    BY: the role of the only process that it happens to; "-role": to any but
    that one. TIMES: to so many of them."""

    def __init__(self, kind, what, value=0, field=None, where=SEND, by=None,
                 times=1):
        self.kind, self.what, self.value = kind, what, value
        self.field, self.where, self.by = field, where, by
        self.times = times


def changed(kind, field, value, by=None):
    """FIELD is VALUE, or VALUE more if it is written "+N"."""
    add = isinstance(value, str)
    return Rule(kind, What.ADD if add else What.SET, int(value), field, by=by)


class Faults:
    """The rules of SERVER, which is not started yet."""

    def __init__(self, server):
        path = os.path.join(server.root, "faults")
        size = N_RULES * ctypes.sizeof(_Rule)
        with open(path, "w+b") as f:
            f.truncate(size)
            self._map = mmap.mmap(f.fileno(), size)
        self._rules = (_Rule * N_RULES).from_buffer(self._map)
        library = helpers_build.build(
            "faults.c", os.path.join(server.root, "faults.so"), "-shared",
            "-fPIC", "-I", probe.MODULE)
        server.env = {"LD_PRELOAD": library, "FAULTS": path}

    @contextlib.contextmanager
    def on(self, rules, pids):
        """While RULES hold, one after the other; PIDS: {role: pid}."""
        for place, rule in zip(self._rules, rules):
            place.where, place.type = rule.where, rule.kind
            place.what, place.value = rule.what, rule.value
            place.offset, place.size = FIELDS.get(rule.field, (0, 0))
            place.pid = 0
            if rule.by:
                pid = pids[rule.by.lstrip("-")]
                place.pid = -pid if rule.by[0] == "-" else pid
            place.hits = 0
            place.left = rule.times
        try:
            yield
        finally:
            for place in self._rules:
                place.left = 0

    def hits(self, n):
        """How many of the first N rules met their message."""
        return sum(place.hits for place in self._rules[:n])

    def close(self):
        """Give the mapping back."""
        del self._rules
        self._map.close()
