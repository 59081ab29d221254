"""What all tests share.

One thread per test process: on a busy machine OpenMP's waiting threads cost more than they bring.
"""

import os
import sys
from importlib.abc import MetaPathFinder

import pytest

for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


class NoTorch(MetaPathFinder):
    """Whoever imports torch is skipped."""

    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            pytest.skip("needs torch", allow_module_level=True)


def pytest_addoption(parser) -> None:
    parser.addoption(
        "--without-torch",
        action="store_true",
        help="skip the tests that need torch, of which not every Python has a build",
    )


def pytest_configure(config) -> None:
    if config.getoption("--without-torch"):
        sys.meta_path.insert(0, NoTorch())


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what a test recorded as touched, from whatever process it ran in."""
    for report in terminalreporter.getreports("passed"):
        for name, value in getattr(report, "user_properties", ()):
            if name == "touched" and report.when == "call":
                terminalreporter.write_line(value)
