"""What cannot be in a region, said before the first job; and what its objects and observables are made of."""

import pytest

from resonaut.core import formats
from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.physics.observables import Need
from resonaut.skim.columns import TAKEN
from resonaut.skim.region import Objects, needed, require
from resonaut.skim.settings import Region


def region(**keys) -> Region:
    return build({"jets": 0} | keys, Region, "region")


def check(found: Region, format_: str = "nanoaod", code: tuple[str, ...] = ()) -> None:
    require("r", found, formats.entry(format_), format_, code)


MUONS = {"muon": {"number": [2, None], "keep": 2}}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"m_jj_min": 9}, r"skim\.regions\.r keeps no large-radius jets; leave m_jj_min out, or raise jets"),
        ({"pt_min": 400}, r"keeps no large-radius jets; leave pt_min out"),
        (
            {"jets": 1, "delta_eta_max": 1},
            r"keeps one jet, which has no delta_eta and no m_jj; leave delta_eta_max out",
        ),
        ({"jets": 1, "softdrop_mass": [90, 80]}, r"r\.softdrop_mass is \[90, 80\]; give the lower value first"),
        (
            {"jets": 2, "m_jj_min": 9, "cuts": {"m_jj": [9, 10]}},
            r"cuts on m_jj with m_jj_min and in cuts; set m_jj_min",
        ),
        ({"cuts": {"met_pt": [9, 8]}}, r"r\.cuts\.met_pt is \[9, 8\]; give the lower value first"),
        ({"objects": {"muon": {"number": [2, 1]}}}, r"r\.objects\.muon\.number is \[2, 1\]; give the lower"),
        (
            {"objects": {"muon": {"where": {"iso": [1, 0]}}}},
            r"r\.objects\.muon\.where\.iso is \[1, 0\]; give the lower",
        ),
        ({"objects": {"lepton": {}}}, r"objects\.lepton: 'lepton' has a meaning of its own"),
        ({"objects": {"muon": {"fields": ["dxy"]}}}, r"objects\.muon\.fields are those of objects that are kept"),
        ({"objects": {"b_jet": {}}}, r"objects\.b_jet: no collection belongs to the name 'b_jet'; give it as 'from'"),
        ({"objects": {"muon": {"apart": {"tau": 1}}}}, r"objects\.muon\.apart: the region has no 'tau'; it has muon"),
        (
            {"objects": {"muon": {"apart": {"large_jet": 1}}}},
            r"objects\.muon\.apart: the region has no 'large_jet'",
        ),
        (
            {"objects": {"a": {"from": "b"}, "b": {"from": "a"}}},
            r"r\.objects are made of one another: (a -> b -> a|b -> a -> b); break the circle",
        ),
        ({"objects": {"muon": {"apart": {"muon": 1}}}}, r"made of one another: muon -> muon"),
        (
            {"objects": {"small_jet": {"number": [0, 1]}, "b_jet": {"from": "small_jet", "number": [2, None]}}},
            r"small_jet\.number is at most 1, and the rest of the region wants 2",
        ),
        ({"observables": ["m_lll"]}, r"r\.observables: unknown observable 'm_lll'; there are m_jj, pt_jj"),
        ({"cuts": {"m_lll": [1, 2]}}, r"r\.cuts: unknown observable 'm_lll'"),
        (
            {"observables": ["m_ll"]},
            r"'m_ll' needs 'lepton', which the region does not select; add muon or electron to",
        ),
        ({"observables": ["m_jet"]}, r"'m_jet' needs 'large_jet', which the region does not select; raise jets"),
        ({"jets": 1, "observables": ["m_jj"]}, r"'m_jj' needs 2 of 'large_jet', and events .* have 1 or more; raise j"),
        (
            {"objects": {"muon": {"number": [1, None]}}, "observables": ["m_ll"]},
            r"'m_ll' needs 2 of 'lepton', and events of the region have 1 or more; raise the number of muon or e",
        ),
        (
            {"observables": ["n_tau"]},
            r"r\.\w+: 'n_tau' counts no object of the region; there are n_lepton\.",
        ),
        (
            {"objects": {"j": {"from": "Jet", "keep": 1}}},
            r"there would be two columns 'j1_pt'; rename the object",
        ),
        (
            {"objects": {"muon": {"keep": 11}, "muon1": {"from": "Muon", "keep": 1}}},
            r"two columns 'muon11_pt'",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(keys, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check(region(**keys))


def test_formats_without_collections_have_no_objects() -> None:
    for keys in ({"objects": MUONS}, {"observables": ["met_pt"]}):
        with pytest.raises(
            ConfigError, match="objects beside large-radius jets, which files of the format lhco_raw lack"
        ):
            check(region(**keys), "lhco_raw")
    check(region(jets=2, observables=["delta_phi_jj", "m_jet"], cuts={"pt_jj": [None, 9]}), "lhco_features")


def test_a_region_that_is_right_passes() -> None:
    jets = {"small_jet": {"apart": {"lepton": 0.4}}, "b_jet": {"from": "small_jet", "number": [2, None]}}
    check(region(objects=MUONS | jets, observables=["m_ll", "m_bb", "h_t", "m_small_jj"], cuts={"n_lepton": [2, 3]}))
    check(region(jets=1, objects={"muon": {}, "electron": {}}, cuts={"n_lepton": [2, 2]}, observables=["m_ll"]))


def test_only_what_is_used_is_read() -> None:
    jets = {"small_jet": {"apart": {"muon": 0.4}, "eta_max": 2}, "b_jet": {"from": "small_jet", "where": {"b": [0, 1]}}}
    found = Objects(region(objects={"muon": {"pt_min": 9}, "electron": {"where": {"id": [1, None]}}} | jets))
    assert {name: found.fields(name) for name in found.region.objects} == {
        "muon": ["pt", "eta", "phi"],
        "electron": ["pt", "id"],
        "small_jet": ["pt", "eta", "phi", "b"],
        "b_jet": ["pt", "b"],
    }
    assert found.order().index("small_jet") > found.order().index("muon")
    kept = Objects(region(objects={"photon": {"keep": 1, "fields": ["r9"]}, "muon": {}}, observables=["charge_ll"]))
    assert kept.fields("photon") == ["pt", "eta", "phi", "mass", "r9"]
    assert kept.fields("muon") == ["pt", "charge"]


def test_needs_of_observables_add() -> None:
    found = Objects(region(objects=MUONS | {"small_jet": {}}, observables=["m_t", "h_t"], cuts={"charge_ll": [0, 0]}))
    assert needed(found.observables()) == {
        "lepton": Need(2, ("charge", "pt", "phi")),
        "met": Need(1, ("pt", "phi")),
        "small_jet": Need(0, ("pt",)),
    }


def test_columns_have_types_units_and_labels() -> None:
    found = Objects(region(objects=MUONS, observables=["m_ll", "n_lepton"], cuts={"pt_ll": [1, 2]})).columns()
    momenta = [f"muon{n}_{field}" for n in (1, 2) for field in ("pt", "eta", "phi", "mass", "charge")]
    assert list(found) == [*momenta, "n_muon", "n_lepton", "m_ll"]
    assert (found["muon1_charge"].dtype, found["n_muon"].dtype, found["muon2_phi"].unit) == ("int8", "int32", "rad")
    assert (found["m_ll"].unit, found["m_ll"].notes["label"]) == ("GeV", r"$m_{\ell\ell}$")
    assert not found.keys() & TAKEN
    assert Objects(region(jets=2, observables=["m_jj", "delta_phi_jj"])).columns().keys() == {"delta_phi_jj"}
