"""Tried and right, per layout: what the tests of this tier really did.

A test says what it tries before it looks at the outcome, so that a failure
counts as tried. conftest.py adds all up at the end of the run.
"""

import contextlib

SHOW, SWITCH, BACK, REFUSE, LIVE = KINDS = (
    "show", "switch", "back", "refuse", "live")


class Tally:
    def __init__(self, record, layout):
        self.record, self.layout = record, layout

    @contextlib.contextmanager
    def trying(self, kind, what=""):
        """One try; right unless the block raises."""
        assert kind in KINDS
        self.record("tally", [self.layout, kind, what, "tried"])
        yield
        self.record("tally", [self.layout, kind, what, "right"])


def table(entries):
    """Lines of text from the entries of all tests."""
    count = {}
    for layout, kind, _, word in entries:
        cell = count.setdefault(layout, {k: [0, 0] for k in KINDS})[kind]
        cell[word == "right"] += 1
    if not count:
        return []
    head = f"{'layout':<18}" + "".join(f"{k:>12}" for k in KINDS)
    lines = [head + "    (tried/right)"]
    total = {k: [0, 0] for k in KINDS}
    for layout in sorted(count):
        cells = count[layout]
        for kind in KINDS:
            total[kind][0] += cells[kind][0]
            total[kind][1] += cells[kind][1]
        lines.append(_line(layout, cells))
    return lines + [_line("all", total)]


def _line(name, cells):
    return f"{name:<18}" + "".join(
        f"{'%d/%d' % tuple(cells[k]) if cells[k][0] else '-':>12}"
        for k in KINDS)
