import awkward as ak
import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.select import kinematics
from resonaut.select.regions import Regions
from resonaut.select.settings import Window

WINDOW = Window(signal_region=(3250, 3750), sidebands=((3000, 3250), (3750, 4250)))
# Both sidebands above the signal region: their jets have larger pT throughout, but overlap.
ABOVE = Window(signal_region=(3250, 3750), sidebands=((3750, 4000), (4000, 4250)))
TREES = ratio.TreeSettings(
    learning_rate=0.1, max_iterations=60, max_leaf_nodes=8, min_leaf_events=100, l2=0.0, patience=10, validation_parts=2
)
CLASSIFIER = ratio.Settings(folds=2, trees=TREES, seed=3)


@pytest.fixture(scope="module")
def samples() -> list[ak.Array]:
    """Two samples of dijets of some opening angle, so that pT follows m_jj, roughly."""
    found = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        n = 60_000
        m_jj = 2900 + rng.exponential(600, n)
        pt = m_jj / 2 / np.cosh(rng.uniform(0, 1.3, n) / 2)
        columns = {"run": np.full(n, seed), "luminosityBlock": np.ones(n, int), "event": np.arange(n), "m_jj": m_jj}
        columns |= {name: pt * rng.normal(1, 0.08, n) for name in kinematics.PT}
        found.append(ak.Array(columns))
    return found


def weighted(events, window=WINDOW, bins=20):
    regions = Regions.of(ak.to_numpy(events.m_jj), window)
    before = np.where(regions.signal, 1.0, regions.sideband_weights()[regions.code])
    return regions, before, kinematics.balanced(events, regions.signal, regions.sideband, before, bins)


def spectra(pt, regions, weights, edges):
    """Normalised pT spectra of the signal region and of the sidebands."""
    found = (np.histogram(pt[rows], edges, weights=weights[rows])[0] for rows in (regions.signal, regions.sideband))
    return [counts / counts.sum() for counts in found]


@pytest.mark.parametrize(("window", "bins"), [(WINDOW, 5), (WINDOW, 20), (WINDOW, 100), (ABOVE, 5)])
def test_both_jets_have_the_spectrum_of_the_signal_region(samples, window, bins):
    events = samples[0]
    regions, before, after = weighted(events, window, bins)
    for name in kinematics.PT:
        pt = ak.to_numpy(events[name])
        edges = np.quantile(pt[regions.signal | regions.sideband], np.linspace(0, 1, bins + 1))
        edges[[0, -1]] = 0, 1e5
        signal, sideband = spectra(pt, regions, before, edges)
        assert np.abs(sideband / signal - 1).max() > 0.1
        signal, sideband = spectra(pt, regions, after, edges)
        assert np.abs(sideband / signal - 1).max() < 0.01


def test_only_sideband_weights_change_and_their_sum_does_not(samples):
    events = samples[0]
    given = Regions.of(ak.to_numpy(events.m_jj), WINDOW)
    outside = ~given.signal & ~given.sideband
    regions, before, after = weighted(events)
    assert np.array_equal(after[~regions.sideband], before[~regions.sideband])
    assert outside.any()
    assert after[regions.sideband].min() > 0
    assert np.std(after[regions.sideband] / before[regions.sideband]) > 0.05
    # What was given stays as it was.
    assert np.array_equal(before, weighted(events)[1])


def area(samples, names, bins):
    """AUC of a classifier of regions that sees pT, trained on one sample and tested on the other."""
    parts = []
    for events in samples:
        regions, _, weights = weighted(events, bins=bins)
        pt = np.column_stack([ak.to_numpy(events[name]) for name in names]).astype(np.float32)
        sample = ratio.Sample(pt, weights, identifier.keys(events))
        parts.append((sample[regions.signal], sample[regions.sideband]))
    model = ratio.CrossFit.fit(*parts[0], CLASSIFIER)
    first, second = parts[1]
    scores = [model.probability(s.features, s.keys) for s in (first, second)]
    return ratio.auc(*scores, first.weights, second.weights)


@pytest.mark.parametrize("name", kinematics.PT)
def test_a_classifier_of_the_regions_learns_nothing_from_a_jet_s_pt(samples, name):
    before, error = area(samples, [name], 0)
    assert before > 0.62 > 0.5 + 20 * error
    # What remains is the spectrum inside of the bins.
    default, _ = area(samples, [name], 20)
    assert abs(default - 0.5) < 0.15 * (before - 0.5)
    fine, error = area(samples, [name], 100)
    assert fine == pytest.approx(0.5, abs=4.5 * error)


def test_no_bins_change_nothing(samples):
    events = samples[0][["m_jj"]]
    _, before, after = weighted(events, bins=0)
    assert np.array_equal(after, before)
    assert kinematics.columns(0) == ()
    assert kinematics.columns(20) == ("j1_pt", "j2_pt")


@pytest.fixture(params=[0, 3])
def apart(request):
    """Sidebands below all of the signal region, but for a few events; what they were and their new weights."""
    rng = np.random.default_rng(4)
    signal = np.arange(2000) < 1000
    pt = rng.uniform(1000, 2000, 2000) + np.where(signal | (np.arange(2000) >= 2000 - request.param), 5000.0, 0)
    weights = np.where(signal, 1.0, 1e-3)
    found = kinematics.balanced(ak.Array(dict.fromkeys(kinematics.PT, pt)), signal, ~signal, weights, 20)
    return weights[~signal], found[~signal]


def test_spectra_that_do_not_overlap_stay_finite(apart):
    _, after = apart
    assert np.all(np.isfinite(after))
    assert np.all(after > 0)


def test_no_event_stands_for_many(apart):
    before, after = apart
    assert np.max(after / before) <= 1.000001 * kinematics.LARGEST
