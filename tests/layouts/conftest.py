"""The table at the end of the tier."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import tally                                                # noqa: E402


@pytest.fixture
def tallied(record_property):
    """tallied(layout): where a test counts what it tries."""
    return lambda layout: tally.Tally(record_property, layout)


def pytest_terminal_summary(terminalreporter):
    entries = [value for reports in terminalreporter.stats.values()
               for report in reports
               if getattr(report, "when", None) == "call"
               for name, value in getattr(report, "user_properties", [])
               if name == "tally"]
    for line in tally.table(entries):
        terminalreporter.write_line(line)
