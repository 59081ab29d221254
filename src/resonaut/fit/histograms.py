"""Histograms in ROOT files and in UHI's JSON."""

import re
from pathlib import Path
from typing import Any

import hist
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.core.histograms import from_json
from resonaut.fit.contents import Measured, energy_unit, without_unit

# So many histograms of a file are named in a message.
MOST_NAMES = 10


def from_uhi(histogram: Any, source: str) -> Measured:
    """A one-dimensional UHI histogram (parsed JSON).

    Raises:
        InputFileError: it is none, or a profile.
    """
    try:
        opened = from_json(histogram)
    except Exception as error:
        # Whatever the libraries raise on JSON that is no histogram.
        raise _no_uhi(source, error) from None
    return from_histogram(opened, source)


def from_histogram(opened: hist.Hist, source: str) -> Measured:
    """A one-dimensional histogram.

    Raises:
        InputFileError: it is none, or a profile.
    """
    try:
        (axis,) = opened.axes
        edges = np.asarray(axis.edges, dtype=float)
        if axis.traits.discrete or axis.traits.circular:
            raise ValueError("its axis has no bins of a mass")
        values, variances = np.asarray(opened.values(), dtype=float), opened.variances()
    except Exception as error:
        raise _no_uhi(source, error) from None
    if opened.kind.name != "COUNT":
        raise InputFileError(source, "a profile, whose contents are means", "give a histogram of events")
    weighted = opened.storage_type is hist.storage.Weight
    errors = np.sqrt(variances) if weighted and variances is not None else None
    label = str(getattr(axis, "label", "") or "")
    title = str(getattr(opened, "label", "") or "")
    return Measured(
        source, title, edges, values, title, energy_unit(label), errors, exact=True, observable=without_unit(label)
    )


def _no_uhi(source: str, error: Exception) -> InputFileError:
    problem = f"not a one-dimensional UHI histogram ({' '.join(str(error).split())[:200]})"
    return InputFileError(source, problem, "write it with UHI")


def from_root(path: Path, name: str) -> Measured:
    """The one-dimensional histogram ``name`` of a ROOT file.

    Raises:
        InputFileError: the file cannot be read, or has no such histogram; the message names those that it has.
    """
    import uproot

    try:
        with uproot.open(path) as file:
            kinds = file.classnames(recursive=True, cycle=False)
            key = re.sub(r";\d+$", "", name.strip("/"))
            if re.fullmatch(r"TH1[A-Z]", kinds.get(key, "")):
                return _opened(file[name], f"{path}:{name}")
    except Exception as error:
        # Whatever the libraries raise on a truncated or foreign file.
        problem = f"cannot be read as ROOT ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        raise InputFileError(path, problem, "get the file again, or give the right one") from None
    histograms = [one for one, kind in kinds.items() if re.fullmatch(r"TH1[A-Z]", kind)]
    known = ", ".join(histograms[:MOST_NAMES]) + (", …" if len(histograms) > MOST_NAMES else "")
    if not name:
        problem = "a ROOT file holds many histograms"
    elif key in kinds:
        problem = f"{name!r} is not a histogram of one dimension but a {kinds[key]}"
    else:
        problem = f"no histogram {name!r}"
    raise InputFileError(path, problem, f"name one: {path}:name (TH1 in it: {known or 'none'})")


def _opened(histogram: Any, source: str) -> Measured:
    titles = [histogram.member(axis).member("fTitle") for axis in ("fXaxis", "fYaxis")]
    errors = np.sqrt(histogram.variances()) if len(histogram.member("fSumw2")) else None
    edges, values = np.asarray(histogram.axis().edges(), dtype=float), np.asarray(histogram.values(), dtype=float)
    title = titles[1] or histogram.title
    name, unit = without_unit(titles[0]), energy_unit(titles[0])
    return Measured(source, histogram.name, edges, values, title, unit, errors, exact=True, observable=name)
