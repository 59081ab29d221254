import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.record import build
from resonaut.skim.corrections import theory
from resonaut.skim.corrections.settings import Pdf, Shower

PDF = "LHE pdf variation weights (w_var / w_nominal) for LHA IDs "


def test_scales_one_at_a_time_and_together() -> None:
    """Of nine weights numbered 0 to 8 the up and down ones; means of all events are divided out."""
    lists = ak.Array([np.arange(9.0), np.arange(9.0) + 10])
    found = theory.scales(lists, None, "a.root")
    assert {(name, way): values.tolist() for name, ways in found.items() for way, values in ways.items()} == {
        ("scale_r", "up"): [7, 17],
        ("scale_r", "down"): [1, 11],
        ("scale_f", "up"): [5, 15],
        ("scale_f", "down"): [3, 13],
        ("scale_rf", "up"): [8, 18],
        ("scale_rf", "down"): [0, 10],
    }
    # Without the nominal weight, the fifth, all later ones have moved.
    eight = ak.Array([np.delete(np.arange(9.0), 4)])
    assert {name: [float(v[0]) for v in ways.values()] for name, ways in theory.scales(eight, None, "x").items()} == {
        name: [float(v[0]) for v in ways.values()] for name, ways in found.items()
    }
    divided = theory.scales(lists, np.full(9, 2.0), "a.root")
    assert divided["scale_r"]["up"].tolist() == [3.5, 8.5]


def test_files_without_weights_have_none() -> None:
    for lists in (ak.Array([[], []]), ak.Array([[1.0], [1.0]])):
        lists = ak.values_astype(lists, np.float32)
        assert theory.scales(lists, None, "x") == theory.shower(lists, None, Shower(), "", "x") == {}
        assert theory.pdf(lists, None, Pdf(), "", "x") == {}
    with pytest.raises(InputFileError, match="has 4 weights of 'LHEScaleWeight', not 8 or 9"):
        theory.scales(ak.Array([[1.0] * 4]), None, "a.root")
    with pytest.raises(InputFileError, match="have 1 and 3 weights of 'LHEScaleWeight'"):
        theory.scales(ak.Array([[1.0], [1.0] * 3]), None, "a.root")


def test_showers_by_the_title_or_as_said() -> None:
    lists = ak.Array([[0.0, 1.0, 2.0, 3.0]])
    found = theory.shower(lists, None, Shower(), "PSWeight", "x")
    assert [float(v[0]) for ways in found.values() for v in ways.values()] == [0, 2, 1, 3]
    title = "[0] is ISR=0.5 FSR=1; [1] is ISR=1 FSR=0.5; [2] is ISR=2 FSR=1; [3] is ISR=1 FSR=2"
    found = theory.shower(lists, None, Shower(), title, "x")
    assert [float(v[0]) for ways in found.values() for v in ways.values()] == [2, 0, 3, 1]
    with pytest.raises(InputFileError, match="has 4 weights of 'PSWeight'"):
        theory.shower(lists, None, build({"isr": [4, 5]}, Shower, "x"), "", "a.root")


def test_hessian_members_add_in_quadrature() -> None:
    """Three members change a yield by 1, 2 and 2 %: together by 3 %, which is the toys' root mean square."""
    lists = ak.Array([[1.0, 1.01, 0.98, 1.02, 0.9, 1.2]])
    found = theory.pdf(lists, None, build({"kind": "hessian", "alpha_s": True}, Pdf, "x"), "", "x")
    toys = found["pdf"]["toys"]
    assert toys.shape == (1, 3)
    assert np.sqrt(np.mean((toys - 1) ** 2)) == pytest.approx(0.03)
    assert (found["alpha_s"]["up"].tolist(), found["alpha_s"]["down"].tolist()) == ([1.2], [0.9])
    replicas = theory.pdf(lists, None, build({"kind": "replicas"}, Pdf, "x"), "", "x")
    assert list(replicas) == ["pdf"]
    assert replicas["pdf"]["toys"].tolist() == [pytest.approx([1.01, 0.98, 1.02, 0.9, 1.2])]


def test_members_in_pairs_add_by_half_of_their_difference() -> None:
    """Of pairs that change a yield by +3 and -1 %, and by -2 and +6 %: 2 and 4 %; at 90 % 1.645 times less."""
    lists = ak.Array([[1.0, 1.03, 0.99, 0.98, 1.06]])
    expected = np.hypot(0.02, 0.04)
    for settings, title, sigmas in (
        ({"kind": "hessian_pairs"}, "", 1),
        ({"kind": "hessian_pairs", "confidence": 90}, "", 1.6449),
        ({}, f"{PDF}14000 - 14004", 1.6449),
        ({}, f"{PDF}27400 - 27404", 1),
    ):
        found = theory.pdf(lists, None, build(settings, Pdf, "x"), title, "a.root")["pdf"]["toys"]
        assert found.shape == (1, 2)
        assert np.sqrt(np.mean((found - 1) ** 2)) == pytest.approx(expected / sigmas, rel=1e-4)
    with pytest.raises(InputFileError, match="has 3 weights of 'LHEPdfWeight' beside the nominal one, which are no"):
        theory.pdf(lists[:, :4], None, build({"kind": "hessian_pairs"}, Pdf, "x"), "", "a.root")


def test_the_title_names_the_set() -> None:
    lists = ak.Array([[2.0] + [3.0] * 100 + [1.0, 4.0]])
    found = theory.pdf(lists, None, Pdf(), f"{PDF}306000 - 306102", "x")
    # Relative to the first weight, the nominal one, which here is 2.
    assert found["alpha_s"]["up"].tolist() == [2]
    assert found["pdf"]["toys"][0].tolist() == pytest.approx([1 + 10 * 0.5] * 100)
    # Of a set whose last two members were left out none varies alpha_s.
    found = theory.pdf(lists[:, :101], None, Pdf(), f"{PDF}306000 - 306100", "x")
    assert (list(found), found["pdf"]["toys"].shape) == (["pdf"], (1, 100))
    # Sets without the nominal member begin at the next number.
    found = theory.pdf(ak.Array([[3.0] * 100]), None, Pdf(), f"{PDF}260001 - 260100", "x")
    assert found["pdf"]["toys"].shape == (1, 100)
    with pytest.raises(InputFileError, match="names no known set of parton densities"):
        theory.pdf(lists, None, Pdf(), "LHEPdfWeight", "a.root")


def test_means_keep_the_cross_section() -> None:
    """Weights over their means have the mean 1 over all events."""
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2, (1000, 4))
    found = theory.shower(ak.Array(weights), weights.mean(axis=0), Shower(), "", "x")
    assert [float(v.mean()) for ways in found.values() for v in ways.values()] == pytest.approx([1] * 4)
