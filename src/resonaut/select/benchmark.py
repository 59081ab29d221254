"""The methods side by side: what each makes of the significance, against how much signal there was to learn from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.core.results import read
from resonaut.select.results import Band, Benchmark, Experiment, Improvement


def benchmark(paths: Sequence[Path]) -> list[Benchmark]:
    """Median and central 68 % of the experiments of each method, window, signal and amount, in the order of ``paths``.

    Raises:
        InputFileError: a file is no summary of ``resonaut select inject`` on pseudo-data.
    """
    groups: dict[tuple[str | float, ...], list[tuple[Experiment, Improvement]]] = {}
    for path in paths:
        one = read(path, Experiment)
        if one.improvement is None:
            raise InputFileError(
                path,
                "no significance improvement of injected signal",
                "name pseudo-data in search.samples.pseudo_data, and run 'snakemake select_benchmark'",
            )
        drawn = one.injection
        key = (one.method, one.window, drawn.signal, drawn.amount, drawn.unit)
        groups.setdefault(key, []).append((one, one.improvement))
    return [_row(*zip(*found, strict=True)) for found in groups.values()]


def _row(experiments: Sequence[Experiment], curves: Sequence[Improvement]) -> Benchmark:
    first = experiments[0]
    return Benchmark(
        method=first.method,
        window=first.window,
        signal=first.injection.signal,
        amount=first.injection.amount,
        unit=first.injection.unit,
        experiments=len(experiments),
        events_in_signal_region=_band([one.injection.events_in_signal_region for one in experiments]),
        efficiency=_band([one.signals[0].efficiency for one in experiments]),
        max_improvement=_known_band([curve.max for curve in curves]),
        improvement_at={cut: _known_band([curve.at[cut] for curve in curves]) for cut in curves[0].at},
        sculpted=sum(one.sculpting.verdict == "sculpted" for one in experiments),
    )


def _known_band(values: Sequence[float | None]) -> Band | None:
    """None where an experiment has no value."""
    known = [value for value in values if value is not None]
    return _band(known) if len(known) == len(values) else None


def _band(values: Sequence[float]) -> Band:
    """Median and the 16 % and 84 % quantiles."""
    low, median, high = np.quantile(np.array(values, dtype=np.float64), (0.16, 0.5, 0.84)).tolist()
    return Band(median=median, low=low, high=high)
