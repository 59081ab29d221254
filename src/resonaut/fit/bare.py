"""The scan of a spectrum that comes from anywhere."""

import csv
from pathlib import Path

import numpy as np

from resonaut.errors import ConfigError
from resonaut.files import atomic, write_json
from resonaut.fit import analysis, spectrum
from resonaut.fit.analysis import Efficiency, Search
from resonaut.fit.signal import Gaussian

COLUMNS = ("mass", "p_local", "z_local", "signal_yield", "signal_yield_error")
LIMITS = ("observed", "expected_minus_2", "expected_minus_1", "expected", "expected_plus_1", "expected_plus_2")


def scan_spectrum(
    source: str,
    sqrt_s: float,
    masses: str,
    output: Path,
    luminosity: float | None,
    signal_width: float,
    shape_parameters: int,
    confidence_level: float,
) -> None:
    """Scan the whole spectrum ``source`` with a Gaussian signal; the options are those of ``resonaut fit scan``."""
    if signal_width <= 0:
        raise ConfigError(f"--signal-width is {signal_width:g}; give a relative width such as 0.03.")
    wanted = parse_masses(masses)
    # Without a simulated signal nothing is lost: limits are on cross section x acceptance x efficiency.
    efficiency = Efficiency(None if luminosity is None else 1.0, {}, measured=luminosity is not None)
    search = Search(
        spectrum.read(source, luminosity),
        sqrt_s,
        shape_parameters,
        Gaussian(signal_width),
        luminosity,
        confidence_level,
    )
    result = analysis.run(search, dict.fromkeys(wanted, efficiency), output)
    write_json(output / "scan.json", {"spectrum_file": source} | result)
    with atomic(output / "scan.csv") as partial, partial.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*COLUMNS, *(f"limit_events_{name}" for name in LIMITS)])
        for point in result["scan"]:
            writer.writerow([*(point[c] for c in COLUMNS), *(point["limit_events"][name] for name in LIMITS)])


def parse_masses(text: str) -> list[float]:
    """``first:last:step`` as a list, both ends included."""
    try:
        first, last, step = map(float, text.split(":"))
        count = int(np.floor((last - first) / step + 1e-9)) + 1
    except (ValueError, ZeroDivisionError, OverflowError):
        count, first, step = 0, 0.0, 0.0
    if count < 1 or step <= 0 or first <= 0:
        raise ConfigError(f"--masses {text!r} is not first:last:step in GeV; give for example 2000:6000:100.")
    return [first + step * i for i in range(count)]
