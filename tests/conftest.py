"""One thread per test process: on a busy machine OpenMP's waiting threads cost more than they bring."""

import os

for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what a test recorded as touched, from whatever process it ran in."""
    for report in terminalreporter.getreports("passed"):
        for name, value in getattr(report, "user_properties", ()):
            if name == "touched" and report.when == "call":
                terminalreporter.write_line(value)
