"""Regions of anomalous whole events from skimmed events to the search in them; and what reruns of it."""

import json

import awkward as ak
import numpy as np
import pytest

CONFIG = "tests/workflow/event_scores.yaml"
EVENTS, ANOMALIES, LUMINOSITY = 5000, 60, 2.0


def events(seed: int, n: int, resonance: bool) -> ak.Array:
    """A jet, perhaps another, and an electron; with a ``resonance`` they weigh 600 GeV, and another is forward."""
    rng = np.random.default_rng(seed)
    found = {"run": np.full(n, seed), "luminosityBlock": np.ones(n, "int64"), "event": np.arange(n)}
    mass = rng.normal(600, 30, n) if resonance else 200 + rng.exponential(120, n)
    # Back to back, so that the momenta of both are half the mass.
    phi, eta = rng.uniform(-3.1, 3.1, n), rng.uniform(-1, 1, n)
    second, forward = 30 + rng.exponential(20, n), rng.uniform(3.3, 3.7, n)
    there = rng.random(n) < (1 if resonance else 0.5)
    objects = {
        "light_jet1": (mass / 2 / np.cosh(eta), eta, phi),
        "light_jet2": (
            second * there,
            (forward if resonance else rng.normal(0, 1, n)) * there,
            rng.uniform(-3.1, 3.1, n) * there,
        ),
        "electron1": (mass / 2 / np.cosh(eta), -eta, np.where(phi > 0, phi - np.pi, phi + np.pi)),
    }
    for name, momentum in objects.items():
        for what, values in zip(("pt", "eta", "phi"), momentum, strict=True):
            found[f"{name}_{what}"] = values.astype("float32")
        found[f"{name}_mass"] = np.zeros(n, "float32")
    found |= {"met_pt": rng.exponential(30, n), "met_phi": rng.uniform(-3.1, 3.1, n)}
    return ak.zip(found | {"gen_weight": np.ones(n), "m_pair_je": mass.astype("float32")})


@pytest.fixture(scope="module")
def clone(copied, write_skimmed):
    """A clone with skimmed events after a run."""
    copied.configuration = (CONFIG,)
    units, folder = {"m_pair_je": "GeV"}, copied.path / "events"
    data = ak.concatenate([events(1, EVENTS, False), events(2, ANOMALIES, True)])
    known = {"nature": "data", "luminosity": LUMINOSITY, "cross_section": None}
    write_skimmed(folder, "collisions", [[data]], units, **known)
    write_skimmed(folder, "signal", [[events(3, 500, True)]], units, weight_scale=2e-3, mass=600.0)
    run = copied.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return copied


def test_regions_have_their_rates_and_the_resonance(clone) -> None:
    results = clone.path / "results/event_scores"
    selected = {name: json.loads((results / f"select/{name}/je.json").read_text()) for name in ("wide", "narrow")}
    assert {name: one["training"]["events"] for name, one in selected.items()} == {"wide": 1000, "narrow": 200}
    (signal,) = selected["narrow"]["signals"]
    assert signal["efficiency"] > 0.5
    fits = {name: json.loads((results / f"fit/{name}/je.json").read_text()) for name in selected}
    z = {name: {point["mass"]: point["z_local"] for point in one["scan"]} for name, one in fits.items()}
    assert z["narrow"][600] > max(z["wide"][600], 5)
    assert json.loads((results / "fit/summary.json").read_text())["global"]["all"]["mass"] == 600


def test_only_what_reads_a_key_runs_again(clone) -> None:
    assert clone.planned() == set()
    scores = lambda content: content["select"]["event_scores"]["autoencoder"]  # noqa: E731
    after_a_rate = clone.planned_after(lambda content: scores(content)["regions"].update(wide=0.4))
    assert {"select_event_region", "fit_selection"} <= after_a_rate
    assert not {"select_event_train", "select_event_score"} & after_a_rate
    assert {"select_event_train", "select_event_score"} <= clone.planned_after(
        lambda content: scores(content)["network"].update(epochs=16)
    )
