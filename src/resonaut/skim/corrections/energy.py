"""Energy scale and resolution of jets, with their uncertainties.

Shifts are factors on a jet's momentum by variation, relative to its corrected one. Jets are events * var * {pt, eta,
phi, mass, rawFactor, area, ...} as NanoAOD names them, in GeV.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import awkward as ak
import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.core.identifier import Keys, members, normal
from resonaut.core.lists import numbers, packed, unpacked
from resonaut.skim.corrections.settings import DataJets, SimulatedJets
from resonaut.skim.corrections.tables import FloatArray, Table

WAYS = {"up": 1.0, "down": -1.0}
# Beyond, tables of resolution have no bin; jets end there.
ETA_MAX = 5.19
# Median difference of stored and corrected momenta: 4e-4 is the precision of NanoAOD, 9e-3 that of the nearest era.
TOLERANCE = 3e-3
# NanoAOD writes 7 bits of the raw factor: above this one the raw momentum may be off by more than a third of that.
COARSE = 0.25
# Fields of jets, one number a jet.
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Events:
    """What the tables ask of events, shape (n,) each: ``rho``, the pile-up density; ``run``; ``keys``, their hashes."""

    rho: FloatArray
    run: np.ndarray
    keys: Keys


@dataclass(frozen=True)
class Scale:
    """The energy scale: tables by the runs that they hold for, all runs for simulation."""

    path: str
    tables: tuple[tuple[tuple[int, int] | None, Table], ...]

    @classmethod
    def of(cls, path: str, levels: str, algorithm: str, campaigns: str | Mapping[str, tuple[int, int]]) -> "Scale":
        """The tables of one campaign, or of several with their first and last runs."""
        if isinstance(campaigns, str):
            return cls(path, ((None, Table.of(path, f"{campaigns}_{levels}_{algorithm}")),))
        found = [(runs, Table.of(path, f"{name}_{levels}_{algorithm}")) for name, runs in campaigns.items()]
        return cls(path, tuple(found))

    def __call__(self, jets: ak.Array, events: Events) -> ak.Array:
        """The factors from raw to corrected momenta; NaN in runs that have no table, see ``require_runs``."""
        counts, of = unpacked(jets)
        return packed(counts, self.flat(of, counts, events))

    def flat(self, of: Columns, counts: np.ndarray, events: Events) -> FloatArray:
        """The same jet by jet, of their fields and their ``counts`` in the events."""
        quantities = _quantities(of, of["pt"] * (1 - of["rawFactor"]), counts, events)
        found = np.full(len(quantities["run"]), np.nan)
        for runs, table in self.tables:
            mine = _within(quantities["run"], runs)
            if mine.any():
                found[mine] = table({name: value[mine] for name, value in quantities.items()})
        return found

    def require_runs(self, run: np.ndarray) -> None:
        """Stop where a run has no table.

        Raises:
            InputFileError: it is in none of the ranges.
        """
        left = run[~np.any([_within(run, runs) for runs, _ in self.tables], axis=0)]
        if len(left):
            raise InputFileError(
                self.path,
                f"run {int(left[0])} is in none of the ranges that the era gives for its tables",
                "correct the runs under 'scale', or give the era's list of certified sections",
            )


def _within(run: np.ndarray, runs: tuple[int, int] | None) -> np.ndarray:
    return np.ones(len(run), bool) if runs is None else (run >= runs[0]) & (run <= runs[1])


@dataclass(frozen=True)
class Resolution:
    """Smearing of momenta: a jet matched with a generated one moves away from it, another one at random."""

    width: Table
    factor: Table
    radius: float
    seed: int

    def __call__(
        self, of: Columns, counts: np.ndarray, generated: ak.Array | None, events: Events, shifts: bool
    ) -> dict[str, FloatArray]:
        """The factor on the momentum of each jet: nominal under "", and with ``shifts`` up and down.

        Args:
            of: fields of jets with corrected ``pt``; ``gen_index`` of those with a generated jet.
            counts: the number of jets in each event.
            generated: generated jets, events * var * {pt, eta, phi}; None: all jets move at random.
            events: what the tables ask of events.
            shifts: the uncertainty of the factor is evaluated, too.
        """
        quantities = _quantities(of, of["pt"], counts, events)
        width, pt = self.width(quantities), quantities["JetPt"]
        away = _away(of, counts, generated, pt, width, self.radius)
        random = width * normal(members(events.keys, counts), self.seed)
        text = self.factor.text()
        found = {}
        for name, word in {"": "nom", **({way: way for way in WAYS} if shifts else {})}.items():
            scale = self.factor({**quantities, **({text: word} if text else {})})
            by_chance = random * np.sqrt(np.maximum(scale**2 - 1, 0))
            factor = 1 + np.where(np.isnan(away), by_chance, (scale - 1) * away)
            found[name] = np.maximum(factor, 0)
        return found


@dataclass(frozen=True)
class Energy:
    """All that is known of the energy of one kind of jets in an era."""

    scale: Scale
    uncertainties: Mapping[str, Table]
    resolution: Resolution | None

    @classmethod
    def of(cls, settings: DataJets | SimulatedJets, radius: float, seed: int) -> "Energy":
        """Find the tables; ``radius`` of the jets, ``seed`` of their smearing.

        Raises:
            InputFileError: a table is missing.
        """
        path, algorithm = settings.file, settings.algorithm
        scale = Scale.of(path, settings.levels, algorithm, settings.scale)
        if not isinstance(settings, SimulatedJets):
            return cls(scale, {}, None)
        names = {
            f"jes_{name}": f"{settings.scale}_{table}_{algorithm}" for name, table in settings.uncertainties.items()
        }
        resolution = None
        if settings.resolution is not None:
            tables = [
                Table.of(path, f"{settings.resolution}_{part}_{algorithm}") for part in ("PtResolution", "ScaleFactor")
            ]
            resolution = Resolution(tables[0], tables[1], radius, seed)
        return cls(scale, {name: Table.of(path, table) for name, table in names.items()}, resolution)

    def correct(
        self, jets: ak.Array, events: Events, generated: ak.Array | None = None, shifts: bool = True
    ) -> tuple[ak.Array, dict[str, ak.Array]]:
        """The jets with corrected ``pt`` and ``mass``, ``factor`` from raw and ``smearing``; and the factors of shifts.

        ``rawFactor`` leads back from the corrected ``pt`` to the raw one. Where jets have a ``softdrop_mass``, it is
        smeared like the jet.
        """
        counts, of = unpacked(jets)
        of, found = self.flat(of, counts, events, generated, shifts)
        return packed(counts, of), {name: packed(counts, values) for name, values in found.items()}

    def flat(
        self, of: Columns, counts: np.ndarray, events: Events, generated: ak.Array | None, shifts: bool
    ) -> tuple[Columns, dict[str, FloatArray]]:
        """The same of jets one after the other, ``counts`` of them in the events: awkward takes far longer for it."""
        factor = self.scale.flat(of, counts, events)
        of = of | times(of, factor * (1 - of["rawFactor"]), ("pt", "mass"))
        smearing = np.ones_like(factor)
        found: dict[str, FloatArray] = {}
        if self.resolution is not None:
            smeared = self.resolution(of, counts, generated, events, shifts)
            smearing = smeared[""]
            of |= times(of, smearing, ("pt", "mass", "softdrop_mass"))
            safe = np.where(smearing > 0, smearing, 1)
            found |= {f"jer_{way}": smeared[way] / safe for way in WAYS if way in smeared}
        if shifts:
            quantities = _quantities(of, of["pt"], counts, events)
            for name, table in self.uncertainties.items():
                change = table(quantities)
                found |= {f"{name}_{way}": 1 + sign * change for way, sign in WAYS.items()}
        # The stored one would make something else of the corrected momenta than the raw ones.
        whole = factor * smearing
        of |= {"rawFactor": 1 - 1 / np.where(whole > 0, whole, 1), "factor": factor, "smearing": smearing}
        return of, found


def raw(jets: ak.Array) -> ak.Array:
    """The uncorrected transverse momenta (GeV)."""
    return jets.pt * (1 - jets.rawFactor)


def rescaled(jets: ak.Array, factor: ak.Array, fields: tuple[str, ...]) -> ak.Array:
    """The jets with some of their ``fields``, those there are, times a factor."""
    counts, of = unpacked(jets)
    return packed(counts, of | times(of, numbers(factor), fields))


def times(of: Columns, factor: np.ndarray, fields: tuple[str, ...]) -> Columns:
    """Some of the fields, those there are, times a factor."""
    return {name: of[name] * factor for name in fields if name in of}


def difference(jets: ak.Array, scale: Scale, events: Events) -> float | None:
    """The median relative difference of the stored momenta and those that ``scale`` gives.

    Only jets with a table and with a raw momentum that is known well count; None where there is none.
    """
    found = ak.to_numpy(ak.flatten(scale(jets, events) * raw(jets) / jets.pt))
    known = np.abs(ak.to_numpy(ak.flatten(jets.rawFactor))) < COARSE
    found = np.abs(found[np.isfinite(found) & known] - 1)
    return float(np.median(found)) if len(found) else None


def require_era(path: str, difference: float, what: str, table: str, key: str) -> None:
    """Stop where the stored momenta of a file are not those of the era.

    Raises:
        InputFileError: they differ by more than the precision with which they are stored.
    """
    if difference > TOLERANCE:
        raise InputFileError(
            path,
            f"its stored {what} momenta differ by {difference:.1%} from the raw ones with the corrections of {table}, "
            "so that it is of another era or nature",
            f"correct the dataset's era, or set {key} to false where its jets were corrected anew on purpose",
        )


def _quantities(of: Columns, pt: np.ndarray, counts: np.ndarray, events: Events) -> dict[str, FloatArray]:
    """What tables ask for, by the names that CMS gives, jet by jet."""
    return {
        "JetPt": pt.astype(np.float64),
        "JetEta": np.clip(of["eta"].astype(np.float64), -ETA_MAX, ETA_MAX),
        "JetPhi": of["phi"].astype(np.float64),
        "JetA": of["area"].astype(np.float64) if "area" in of else np.zeros(len(pt)),
        "Rho": np.repeat(events.rho, counts),
        "run": np.repeat(events.run, counts),
    }


def _away(
    of: Columns, counts: np.ndarray, generated: ak.Array | None, pt: FloatArray, width: FloatArray, radius: float
) -> FloatArray:
    """(pT - pT_gen) / pT of each jet, flat; NaN where there is no generated jet within half the radius and 3 widths."""
    if generated is None or "gen_index" not in of:
        return np.full(len(pt), np.nan)
    number, match = unpacked(generated)
    index = of["gen_index"].astype(np.int64)
    # NanoAOD leaves soft generated jets out, and keeps the places they had.
    there = (index >= 0) & (index < np.repeat(number, counts))
    place = np.where(there, index + np.repeat(np.cumsum(number) - number, counts), 0)
    if not there.any():
        return np.full(len(pt), np.nan)
    match = {name: match[name][place] for name in ("pt", "eta", "phi")}
    distance = np.hypot(of["eta"] - match["eta"], (of["phi"] - match["phi"] + np.pi) % (2 * np.pi) - np.pi)
    near = there & (distance < radius / 2) & (np.abs(pt - match["pt"]) < 3 * width * pt)
    return np.where(near, (pt - match["pt"]) / np.where(pt > 0, pt, 1), np.nan)
