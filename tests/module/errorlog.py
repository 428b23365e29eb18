"""httpd's error log: what a test expects in it, and what must not be there.

Every line at warn or worse that no test asked for fails the test during which
it was written; so does an expected line that never came.
"""

import os
import re

LINE = re.compile(r"^\[[^\]]+\] \[(?:(?P<module>[\w-]+):)?(?P<level>\w+)\] ")
QUIET = {"notice", "info", "debug"} | {f"trace{n}" for n in range(1, 9)}


class ErrorLog:
    """The error log of one server, read incrementally."""

    def __init__(self, path):
        self.path = path
        self.checked = 0
        self.expected = []      # [pattern, seen, required]

    def text(self, start=0):
        """The log from byte START on."""
        try:
            with open(self.path, errors="replace") as f:
                f.seek(start)
                return f.read()
        except FileNotFoundError:
            return ""

    def size(self):
        """Where the log ends now; a mark for text()."""
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    def expect(self, pattern, required=True):
        """Allow lines that match PATTERN; REQUIRED: at least one must come."""
        self.expected.append([re.compile(pattern), False, required])

    def count(self, pattern, start=0):
        """How many lines from START on match PATTERN."""
        return sum(1 for line in self.text(start).splitlines()
                   if re.search(pattern, line))

    def problems(self):
        """What is wrong since the last check; then start afresh."""
        text = self.text(self.checked)
        self.checked = self.size()
        wrong = []
        for line in text.splitlines():
            if not line.strip() or self._is_expected(line):
                continue
            head = LINE.match(line)
            if head is None or head.group("level") not in QUIET:
                wrong.append(f"unexpected in the error log: {line}")
        wrong += [f"missing in the error log: {pattern.pattern}"
                  for pattern, seen, required in self.expected
                  if required and not seen]
        self.expected = []
        return wrong

    def _is_expected(self, line):
        known = False
        for entry in self.expected:
            if entry[0].search(line):
                entry[1] = known = True
        return known
