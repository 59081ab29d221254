"""Scale, uncertainties and smearing of jets, by hand."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.identifier import rows
from resonaut.core.record import build
from resonaut.skim.corrections import energy
from resonaut.skim.corrections.settings import DataJets, SimulatedJets

JETS = ak.zip(
    {
        "pt": [[220.0, 55.0], [], [110.0]],
        "eta": [[0.0, 1.0], [], [-6.0]],
        "phi": [[0.0, 3.0], [], [-3.1]],
        "mass": [[22.0, 5.5], [], [11.0]],
        "rawFactor": [[1 / 11, 1 / 11], [], [1 / 11]],
        "area": [[0.5, 0.5], [], [0.5]],
    }
)
EVENTS = energy.Events(np.array([20.0, 0.0, 40.0]), np.array([1, 5, 9]), rows(3))


def simulated(path: str, **keys) -> energy.Energy:
    standard = {"file": path, "algorithm": "AK4", "scale": "V1_MC"}
    return energy.Energy.of(build(standard | keys, SimulatedJets, "jets"), 0.4, 1)


def test_levels_are_applied_to_the_raw_momentum(jet_tables) -> None:
    """1.1 (pT - rho / 10): of raw 200, 50 and 100 GeV; masses go along, and jets beyond the tables are no fault."""
    jets, shifts = simulated(jet_tables).correct(JETS, EVENTS)
    assert ak.flatten(jets.pt).tolist() == pytest.approx([1.1 * 198, 1.1 * 48, 1.1 * 96])
    assert ak.flatten(jets.mass / jets.pt).tolist() == pytest.approx([0.1] * 3)
    assert ak.num(jets).tolist() == [2, 0, 1]
    assert shifts == {}


def test_uncertainties_are_those_at_the_corrected_momentum(jet_tables) -> None:
    jets, shifts = simulated(jet_tables, uncertainties={"total": "Total"}).correct(JETS, EVENTS)
    assert list(shifts) == ["jes_total_up", "jes_total_down"]
    assert ak.flatten(shifts["jes_total_up"]).tolist() == pytest.approx([1 + 2 / pt for pt in ak.flatten(jets.pt)])
    assert ak.flatten(shifts["jes_total_down"]).tolist() == pytest.approx([1 - 2 / pt for pt in ak.flatten(jets.pt)])


def test_the_raw_momentum_is_known_after_correction_and_smearing(jet_tables) -> None:
    """Missing momentum starts from it: smeared twice, it would be wrong."""
    jets, _ = simulated(jet_tables, resolution="JR1").correct(JETS, EVENTS)
    assert ak.all(jets.smearing != 1)
    assert ak.flatten(energy.raw(jets)).tolist() == pytest.approx([200, 50, 100])


def test_data_have_the_tables_of_their_runs(jet_tables) -> None:
    scale = {"V1_RunA_DATA": [1, 4], "V1_RunB_DATA": [5, 9]}
    data = build({"file": jet_tables, "algorithm": "AK4", "scale": scale}, DataJets, "jets")
    jets, _ = energy.Energy.of(data, 0.4, 1).correct(JETS, EVENTS)
    assert ak.flatten(jets.pt).tolist() == pytest.approx([1.1 * 198, 1.1 * 48, 1.2 * 96])
    short = build({"file": jet_tables, "algorithm": "AK4", "scale": {"V1_RunA_DATA": [1, 8]}}, DataJets, "jets")
    scale = energy.Energy.of(short, 0.4, 1).scale
    assert np.isnan(ak.flatten(scale(JETS, EVENTS))).tolist() == [False, False, True]
    scale.require_runs(np.array([1, 8]))
    with pytest.raises(InputFileError, match="run 9 is in none of the ranges"):
        scale.require_runs(EVENTS.run)


def test_a_matched_jet_moves_away_from_the_generated_one(jet_tables) -> None:
    """The first jet has one 7.8 GeV below: 1 + 0.2 x 7.8 / 217.8, up 0.4.

    That of the second jet is too far away in eta, that of the third one in pT, by more than 3 x 10 %.
    """
    jets = ak.with_field(JETS, [[0, 1], [], [0]], "gen_index")
    generated = ak.zip(
        {"pt": [[210.0, 52.0], [], [60.0]], "eta": [[0.1, 1.3], [], [-6.0]], "phi": [[0.1, 3.0], [], [-3.1]]}
    )
    resolved = simulated(jet_tables, resolution="JR1")
    smeared, shifts = resolved.correct(jets, EVENTS, generated)
    assert smeared.smearing[0, 0] == pytest.approx(1 + 0.2 * 7.8 / 217.8)
    assert (shifts["jer_up"] * smeared.smearing)[0, 0] == pytest.approx(1 + 0.4 * 7.8 / 217.8)
    assert (shifts["jer_down"] * smeared.smearing)[0, 0] == pytest.approx(1)
    plain = simulated(jet_tables).correct(JETS, EVENTS)[0]
    assert ak.flatten(smeared.pt).tolist() == pytest.approx(ak.flatten(plain.pt * smeared.smearing).tolist())
    random = (ak.flatten(smeared.smearing)[1:] - 1) / np.sqrt(1.2**2 - 1)
    assert all(random != 0)
    # Up and nominal share the random number.
    up = (ak.flatten(shifts["jer_up"] * smeared.smearing)[1:] - 1) / np.sqrt(1.4**2 - 1)
    assert up.tolist() == pytest.approx(random.tolist())


def test_random_numbers_belong_to_the_jet(jet_tables) -> None:
    """They are of width 0.1 x sqrt(1.2^2 - 1) = 0.0663, and the same whatever events stand before."""
    number = 20_000
    jets = ak.unflatten(ak.flatten(JETS[:1]), [2])[np.zeros(number, int)]
    events = energy.Events(np.full(number, 20.0), np.ones(number), rows(number))
    resolved = simulated(jet_tables, resolution="JR1")
    smearing = resolved.correct(jets, events)[0].smearing
    flat = ak.to_numpy(ak.flatten(smearing))
    assert flat.mean() == pytest.approx(1, abs=5 * 0.0663 / np.sqrt(2 * number))
    assert flat.std() == pytest.approx(0.06633, rel=0.02)
    assert abs(np.corrcoef(ak.to_numpy(smearing[:, 0]), ak.to_numpy(smearing[:, 1]))[0, 1]) < 0.03
    later = energy.Events(events.rho[7:], events.run[7:], events.keys[7:])
    assert resolved.correct(jets[7:], later)[0].smearing.tolist() == smearing[7:].tolist()


def test_a_broken_jet_leaves_the_others_alone(jet_tables) -> None:
    jets = ak.with_field(JETS, [[np.nan, 55.0], [], [110.0]], "pt")
    resolved = simulated(jet_tables, uncertainties={"total": "Total"}, resolution="JR1")
    found, shifts = resolved.correct(jets, EVENTS)
    assert np.isnan(ak.flatten(found.pt)).tolist() == [True, False, False]
    assert np.isnan(ak.flatten(shifts["jes_total_up"])).tolist() == [True, False, False]


def test_a_wrong_era_is_refused(jet_tables) -> None:
    """Stored momenta are 1.1 x raw. With rho 0 that is this era's simulation; run B's are 9 % above."""
    events = energy.Events(np.zeros(3), EVENTS.run, EVENTS.keys)
    right = energy.difference(JETS, simulated(jet_tables).scale, events)
    assert right == pytest.approx(0, abs=1e-9)
    energy.require_era("a.root", right, "FatJet", "V1_MC", "check_era")
    wrong = energy.difference(JETS, simulated(jet_tables, scale="V1_RunB_DATA").scale, events)
    assert wrong == pytest.approx(1.2 / 1.1 - 1)
    with pytest.raises(InputFileError, match=r"a\.root: its stored FatJet momenta differ by 9.1% .* of another era"):
        energy.require_era("a.root", wrong, "FatJet", "V1_RunB_DATA", "check_era")
    none = energy.Events(events.rho[1:2], events.run[1:2], events.keys[1:2])
    assert energy.difference(JETS[1:2], simulated(jet_tables).scale, none) is None
    coarse = ak.with_field(JETS, ak.full_like(JETS.rawFactor, 0.3), "rawFactor")
    assert energy.difference(coarse, simulated(jet_tables).scale, events) is None


def test_a_name_that_is_not_there_is_answered_with_those_that_are(jet_tables) -> None:
    with pytest.raises(InputFileError, match="has no table 'V1_MC_Totl_AK4'; name one of V1_MC_Total_AK4"):
        simulated(jet_tables, uncertainties={"total": "Totl"})
    with pytest.raises(InputFileError, match=r"no\.json: no such file"):
        simulated("no.json")
