"""What the contents of a histogram are, events or a cross section, and the counts of events that they stand for.

A Poisson likelihood wants counts. What a file holds is said by the user, by the file's titles, headers and units, or
it is whole numbers; anything else is asked back. What published or stored errors know of the counts is compared.
"""

import logging
import re
from dataclasses import dataclass

import numpy as np

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.units import UNITS
from resonaut.fit.family import Array

log = logging.getLogger(__name__)

_ENERGIES = {name.lower(): size for name, size in UNITS["GeV"].items()}
_AREAS = {name.lower(): size for name, size in UNITS["fb"].items()} | {"μb": UNITS["fb"]["ub"]}
_PER = r"(?:\s*(?:/|per)\s*\(?\s*(?P<number>\d+\.?\d*)?\s*(?P<energy>[kmgt]ev)\b)?"
# Not the fb of an integrated luminosity, fb-1 or /fb; b is a quark.
_AREA = re.compile(rf"(?<![\w/^])(?P<area>{'|'.join(set(_AREAS) - {'b'})})(?!\w|\s*\^?-){_PER}")
_EVENTS = re.compile(rf"\b(?:events?|entries|counts?|candidates){_PER}(?![a-z_])")
_SIGMA = re.compile(r"sigma|σ|cross.?section|xsec|d\(?sig")
_UNIT = re.compile(r"\s*[\[(][^\[(]*[kmgt]ev[^\[(]*$|[\s,/]+(?:in\s+)?[kmgt]ev\S*$", re.IGNORECASE)
_ENERGY = re.compile(r"(?:^|[^a-z])([kmgt]ev)(?:/c\^?2)?[^a-z]*$")

# Whole numbers are looked for in bins with fewer events, of which so many are wanted, and this is the mean distance
# from them beyond which the luminosity is wrong; of numbers at random it is 0.25.
FEW_EVENTS, FEWEST_BINS, FAR = 50, 3, 0.15
# So many bins whose counts are all multiples of one number are no accident; of more events they are too inexact.
BINS_OF_MULTIPLES, MANY_EVENTS = 8, 1000
# Events that errors imply where they are mostly statistical, and by how much they and the counts may differ.
STATISTICAL, DIFFERENT = (10, 1000), 1.5


@dataclass(frozen=True)
class Contents:
    """``area``: fb, of the unit of a cross section; None for events. ``per``: GeV, of a density; None for a bin."""

    area: float | None = None
    per: float | None = None

    def factor(self, widths: Array, luminosity: float | None, source: str) -> Array:
        """Events (N,) that a content of 1 is in bins of ``widths`` (N,) GeV, for ``luminosity`` in 1/fb.

        Raises:
            InputFileError: a cross section needs a luminosity.
        """
        events = np.ones_like(widths) if self.per is None else widths / self.per
        if self.area is None:
            return events
        if luminosity is None:
            raise InputFileError(
                source, "a cross section needs a luminosity to become counts", "give --luminosity in 1/fb"
            )
        return events * self.area * luminosity


COUNTS = Contents()
NAMES = {"counts": COUNTS, "events_per_gev": Contents(per=1.0), "dsigma_dm": Contents(1.0, 1.0)}


@dataclass(frozen=True)
class Measured:
    """A histogram as a file gives it.

    ``values`` (N,) between ``edges`` (N + 1) of the ``observable``, in the ``unit`` of mass that the file names;
    ``title`` says what the values are. ``errors`` (N,), statistical, are ``exact`` where they are sums of squared
    weights.
    """

    source: str
    name: str
    edges: Array
    values: Array
    title: str = ""
    unit: str | None = None
    errors: Array | None = None
    exact: bool = False
    observable: str = ""


def option(text: str) -> Contents:
    """The contents that ``--contents`` names: a key of ``NAMES``, or a unit such as ``pb/TeV``.

    Raises:
        ConfigError: they are unknown.
    """
    found = NAMES.get(text) or _in(text)
    if found is None:
        raise ConfigError(f"--contents {text!r} is none of {', '.join(NAMES)}, nor a unit such as 'pb/TeV'.")
    return found


def energy_unit(text: str) -> str | None:
    """The unit of energy at the end of a title, ``GeV`` or another of ``UNITS``; None if there is none."""
    match = _ENERGY.search(text.lower())
    return None if match is None else next(name for name in UNITS["GeV"] if name.lower() == match[1])


def without_unit(title: str) -> str:
    """The title of an axis without the unit of energy at its end."""
    return _UNIT.sub("", title.strip())


def said(measured: Measured) -> Contents | None:
    """What the title says of the contents; None if it says nothing.

    Raises:
        InputFileError: it speaks of a cross section without a unit.
    """
    found = NAMES.get(measured.title.strip().lower()) or _in(measured.title)
    if found is None and _SIGMA.search(measured.title.lower()):
        raise InputFileError(
            measured.source, f"{measured.title!r} has no unit of a cross section", "give it with --contents, as pb/TeV"
        )
    return found


def _in(title: str) -> Contents | None:
    """The unit in a title, of whatever dialect: ``[fb/GeV]``, ``fb GeV$^{-1}$``, ``Events / 50 GeV``, ``PB/TEV``."""
    text = re.sub(r"\\(?:mathrm|text|rm)\b|[\\${}#~]", "", title.lower()).replace("⁻¹", "^-1")
    text = re.sub(r"[\s*·.]+([kmgt]ev)\s*\^?-1", r"/\1", text)
    match = _AREA.search(text) or _EVENTS.search(text)
    if match is None:
        return None
    found = match.groupdict()
    area = _AREAS[found["area"]] if "area" in found else None
    per = _ENERGIES[found["energy"]] * float(found["number"] or 1) if found["energy"] else None
    return Contents(area, per)


def counts(measured: Measured, edges: Array, given: Contents | None, luminosity: float | None) -> Array:
    """Counts of events (N,) of what a file holds.

    Args:
        measured: it; its values are finite and not negative.
        edges: its edges (N + 1), GeV.
        given: what the user says of the contents; None to take the file's word.
        luminosity: 1/fb, of a cross section.

    Raises:
        InputFileError: the contents are no counts and nobody says what they are, or they contradict what is said.
    """
    kind = given or said(measured)
    whole = bool((measured.values == np.round(measured.values)).all())
    if kind is None:
        if not whole:
            raise InputFileError(
                measured.source, "the contents are no counts of events, which are whole numbers", _way_out()
            )
        kind = COUNTS
    factor = kind.factor(np.diff(edges), luminosity, measured.source)
    found = measured.values * factor
    if given == COUNTS:
        if not whole:
            log.warning("%s: contents that are not whole numbers are fitted as counts, as asked for.", measured.source)
        return found
    _compare_errors(measured, found)
    if np.allclose(factor, 1.0):
        if not whole:
            raise InputFileError(
                measured.source, "its events are no whole numbers: weighted, scaled, or expected ones", _way_out()
            )
        return found
    if whole and given is None and measured.values.any():
        raise InputFileError(
            measured.source, f"{measured.title!r} is a density, but all its contents are whole numbers", _way_out()
        )
    return _whole(measured, found)


def _way_out() -> str:
    return "say what they are, such as --contents dsigma_dm, pb/TeV, events_per_gev, or counts to fit them as they are"


def _compare_errors(measured: Measured, found: Array) -> None:
    """Poisson counts are the squares of their relative errors' inverses."""
    if measured.errors is None:
        return
    known = (found > 0) & (measured.errors > 0)
    implied = (measured.values[known] / measured.errors[known]) ** 2
    ratio = found[known] / implied
    if measured.exact:
        wrong = bool((np.abs(ratio - 1) > 0.01).any()) or not known[found > 0].all()
    else:
        statistical = (implied > STATISTICAL[0]) & (implied < STATISTICAL[1])
        ratio, implied = ratio[statistical], implied[statistical]
        wrong = len(ratio) > 0 and not 1 / DIFFERENT < np.median(ratio) < DIFFERENT
    if wrong:
        raise InputFileError(
            measured.source,
            f"its errors imply {implied.sum():.4g} events where its contents would be {(ratio @ implied):.4g}: "
            "they are weighted or scaled, or of another luminosity",
            "give counts without weights, or correct --luminosity or --contents",
        )


def _whole(measured: Measured, found: Array) -> Array:
    """Events are whole numbers: undo the rounding of the published cross sections."""
    digits = max(len(re.sub(r"e.*|\D", "", f"{value:.15g}").strip("0")) for value in measured.values)
    exact = found[(found > 0) & (found * 0.5 * 10.0 ** (1 - digits) < 0.1)]
    # A bin with events has at least one.
    nearest = np.maximum(np.round(exact), 1.0)
    few, many = exact < FEW_EVENTS, exact < MANY_EVENTS
    away = np.abs(exact - nearest)[few]
    problem = ""
    if len(away) >= FEWEST_BINS and away.mean() > FAR:
        problem = f"cross section or density gives no whole numbers of events ({exact[few][0]:.3g} in one bin)"
    elif many.sum() >= BINS_OF_MULTIPLES and (common := int(np.gcd.reduce(nearest[many].astype(int)))) > 1:
        problem = f"all counts are multiples of {common}, as of a luminosity {common} times too large"
    if problem:
        raise InputFileError(measured.source, problem, "correct --luminosity, to all its digits, or --contents")
    if (away > 0.1).any():
        log.warning(
            "%s: cross section times luminosity is not close to whole numbers; is the luminosity right?",
            measured.source,
        )
    return np.round(found)
