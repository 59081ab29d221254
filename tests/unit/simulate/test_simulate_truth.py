import awkward as ak
import numpy as np
import pytest

from resonaut.simulate.truth import B_HADRONS, hadronic_taus, hard_process, missing_momentum, weak_hadrons

# Two events: a resonance 32 that the shower copies before its decay to quarks; a plain 2 -> 2 process.
ROWS = [
    (90, -11, 0),
    (2, -21, 0),
    (-2, -21, 0),
    (32, -22, 1),
    (32, -62, 3),
    (21, -43, 1),
    (1, -23, 4),
    (-1, -23, 4),
    (211, 83, 6),
    (90, -11, 0),
    (21, -21, 0),
    (21, -21, 0),
    (21, -23, 1),
    (21, -23, 1),
]


def record() -> dict[str, np.ndarray]:
    pdgid, status, mother = np.array(ROWS).T
    n = len(ROWS)
    px = np.where(np.abs(status) == 21, 0.0, np.arange(n))
    columns = {"id": pdgid, "status": status, "mother1": mother, "px": px, "py": 0 * px, "pz": px, "e": 2 * px}
    return columns | {"m": np.full(n, 3.0)}


def test_decay_products_point_to_the_resonance() -> None:
    hard = hard_process(record(), np.array([9, 5]))
    assert hard.pdgId.to_list() == [[2, -2, 32, 1, -1], [21, 21, 21, 21]]
    assert hard.status.to_list() == [[21, 21, 22, 23, 23], [21, 21, 23, 23]]
    assert hard.genPartIdxMother.to_list() == [[-1, -1, 0, 2, 2], [-1, -1, 0, 0]]


def test_particles_along_the_beam_stay_finite() -> None:
    hard = hard_process(record(), np.array([9, 5]))
    assert np.isfinite(np.asarray(hard.eta[0])).all()
    assert hard.pt[0].to_list() == [0, 0, 3, 6, 7]


def test_weakly_decaying_b_hadrons_are_found_in_their_events() -> None:
    rows = record()
    rows["id"] = np.where(np.isin(np.arange(len(ROWS)), (8, 13)), -511, rows["id"])
    found = weak_hadrons(rows, np.array([9, 5]), B_HADRONS)
    assert ak.num(found).to_list() == [1, 1]
    # px = pz: a particle at 45 degrees.
    assert ak.flatten(found.eta).to_list() == pytest.approx([np.arcsinh(1)] * 2)
    rows["id"] = np.where(rows["id"] == -511, 513, rows["id"])
    assert ak.num(weak_hadrons(rows, np.array([9, 5]), B_HADRONS)).to_list() == [0, 0]


def test_taus_that_decay_to_hadrons_are_told_from_others() -> None:
    """Row 3 is a tau and 4 its copy, which decays to 6 and 7."""
    rows = record()
    rows["id"][[3, 4, 6, 7]] = (15, 15, -211, 16)
    assert ak.num(hadronic_taus(rows, np.array([9, 5]))).to_list() == [1, 0]
    rows["id"][6] = 13
    assert ak.num(hadronic_taus(rows, np.array([9, 5]))).to_list() == [0, 0]


def test_missing_momentum_is_that_of_stable_invisible_particles() -> None:
    rows = record()
    rows["status"][[7, 13]] = 23
    visible = np.arange(len(ROWS)) == 8
    assert missing_momentum(rows, np.array([9, 5]), visible).tolist() == [[7, 0], [13, 0]]
