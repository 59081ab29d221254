"""All figures of a search and the HEPData tables."""

from collections.abc import Sequence
from pathlib import Path

from resonaut.core.files import folder
from resonaut.report.fit import fits, hepdata, limits, nuisances, p_values
from resonaut.report.fit import results as files
from resonaut.report.fit.results import heading
from resonaut.report.fit.spectra import spectrum


def search(paths: Sequence[Path], summary: Path | None, label: str, output: Path) -> None:
    """Draw all figures of the results ``paths`` of the stage ``fit`` into ``output``, with the HEPData submission.

    Args:
        paths: one scan of a bare spectrum, or the results of all selections and windows.
        summary: ``<results>/fit/summary.json``, for the global significances.
        label: text above the figures.
        output: gets ``p_values.png``, ``limits.png``, ``fits.png``, ``nuisances.png``, ``spectrum.png`` or
            ``spectra/<selection>_<window>.png``, and the folder ``hepdata``.
    """
    results = files.read(paths)
    selections = files.selections(results, summary)
    text = heading(label, results[0].content)
    with folder(output, "search") as partial:
        for result in results:
            spectrum(result, label, partial / result.figure)
        p_values.p_values(selections, text, partial / "p_values.png")
        limits.limits(selections, results[0].content["confidence_level"], text, partial / "limits.png")
        fits.fits(selections, text, partial / "fits.png")
        nuisances.nuisances(selections, text, partial / "nuisances.png")
        hepdata.write(results, selections, label, partial / "hepdata")
