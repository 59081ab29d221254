import json
from dataclasses import fields, replace

import correctionlib
import numpy as np
import pytest
from correctionlib import schemav2

from resonaut.calibrate import correction
from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.correction import Factors, LundCorrection
from resonaut.calibrate.factors import products, table_alone, tables_of
from resonaut.calibrate.lund import Planes
from resonaut.core.errors import InputFileError

BINS = LundBins(
    subjet_pt=(10.0, 80.0, 160.0, 350.0), ln_radius_over_delta=(0.0, 1.0, 2.0, 5.0), ln_kt=(-4.0, -1.0, 0.5, 4.0)
)


def factors(rng: np.random.Generator, bins: LundBins) -> Factors:
    scale = np.array([1.0, 40.0, 300.0])[:, None, None]
    centre = np.array([1.0, 0.0, 0.0])[:, None, None]
    return Factors(rng.uniform(0.3, 3, bins.shape), centre + scale * rng.normal(0, 0.5, (3, *bins.shape[1:])))


@pytest.fixture
def measured() -> LundCorrection:
    rng = np.random.default_rng(3)
    root = rng.normal(0, 0.1, (3, 3, *BINS.shape[1:]))
    return LundCorrection(
        declustering="kt",
        minimum_delta=0.005,
        minimum_kt=0.02,
        bins=BINS,
        direct_pt_range=(15.0, 350.0),
        factor_range=(0.2, 5.0),
        nominal=factors(rng, BINS),
        error=rng.uniform(0.01, 0.2, BINS.shape),
        covariance=np.einsum("ikab,jkab->ijab", root, root),
        systematics={"background": (factors(rng, BINS), factors(rng, BINS)), "total": (factors(rng, BINS),) * 2},
        b_light=rng.uniform(0.5, 2, BINS.shape),
        density=rng.uniform(0, 2, BINS.shape),
    )


def one_splitting_each(pt: np.ndarray, x: np.ndarray, y: np.ndarray) -> Planes:
    """Jets of one subjet with one splitting."""
    one = np.ones(len(pt), np.int64)
    return Planes(one, pt, 0 * pt, 0 * pt, one, 0.8 * np.exp(-x), np.exp(y))


def points(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Beyond the outer edges of all axes, too."""
    rng = np.random.default_rng(4)
    return rng.uniform(2, 700, number), rng.uniform(-1, 7, number), rng.uniform(-6, 6, number)


def test_correctionlib_gives_our_factors_everywhere(measured, tmp_path):
    path = tmp_path / "correction.json"
    correction.write(path, measured, {})
    schemav2.CorrectionSet.model_validate_json(path.read_text())
    public = correctionlib.CorrectionSet.from_file(str(path))
    pt, x, y = points(5000)
    planes = one_splitting_each(pt, x, y)
    used = np.ones(len(pt), bool)
    tables = tables_of(measured, toys=2, seed=1)
    ours = products(planes, used, tables)
    names = ["nominal", "background_up", "background_down", "total_up", "total_down"]
    for name in names:
        want = ours[:, tables.names[name]].ravel()
        # The package's own JSON reader may miss the last bit of a number.
        assert public["lund_ratio"].evaluate("kt", name, pt, x, y) == pytest.approx(want, rel=1e-12), name
    outside = (pt < 15) | (pt >= 350)
    clipped = np.isin(ours[:, 0], (0.2, 5.0))
    assert 0.02 < clipped[outside].mean() < 0.9
    assert not clipped[~outside].any()
    for name in ("b_light", "density", "error"):
        alone = table_alone(measured.bins, getattr(measured, name), (0.0, np.inf), name)
        key = {"b_light": "lund_b_light_ratio", "density": "lund_density", "error": "lund_ratio_error"}[name]
        assert public[key].evaluate("kt", pt, x, y) == pytest.approx(products(planes, used, alone).ravel(), rel=1e-12)


def test_correctionlib_at_the_edges_of_the_direct_range(measured, tmp_path):
    """The table from 15 GeV, lower edges belong to their bin, and the polynomial from 350 GeV."""
    correction.write(tmp_path / "c.json", measured, {})
    ratio = correctionlib.CorrectionSet.from_file(str(tmp_path / "c.json"))["lund_ratio"]
    table, polynomial = measured.nominal.table[:, 1, 1], measured.nominal.polynomial[:, 1, 1]
    for pt, bin_ in ((15.0, 0), (79.9, 0), (80.0, 1), (160.0, 2), (349.9, 2)):
        assert ratio.evaluate("kt", "nominal", pt, 1.5, 0.0) == pytest.approx(table[bin_])
    for pt in (0.0001, 14.9, 350.0, 3000.0):
        value = np.clip(polynomial @ (1 / pt) ** np.arange(3), 0.2, 5)
        assert ratio.evaluate("kt", "nominal", pt, 1.5, 0.0) == pytest.approx(value)


def test_the_other_declustering_is_an_error_of_correctionlib(measured, tmp_path):
    correction.write(tmp_path / "c.json", measured, {})
    public = correctionlib.CorrectionSet.from_file(str(tmp_path / "c.json"))
    with pytest.raises(IndexError, match="ca"):
        public["lund_ratio"].evaluate("ca", "nominal", 100.0, 1.0, 0.0)
    with pytest.raises(IndexError, match="ca"):
        public["lund_b_light_ratio"].evaluate("ca", 100.0, 1.0, 0.0)


def same(a: LundCorrection, b: LundCorrection) -> bool:
    for field in fields(LundCorrection):
        if field.name == "checksum":
            continue
        one, two = getattr(a, field.name), getattr(b, field.name)
        if field.name == "nominal":
            one, two = [one], [two]
        elif field.name == "systematics":
            assert list(one) == list(two)
            one, two = ([f for pair in s.values() for f in pair] for s in (one, two))
        else:
            assert np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two, field.name
            continue
        for x, y in zip(one, two, strict=True):
            assert np.array_equal(x.table, y.table)
            assert np.array_equal(x.polynomial, y.polynomial)
    return True


def test_read_returns_what_was_written(measured, tmp_path):
    correction.write(tmp_path / "c.json", measured, {"file": "ratio.root"})
    assert same(correction.read(tmp_path / "c.json"), measured)
    metadata = json.loads(correction.metadata_path(tmp_path / "c.json").read_text())
    assert metadata["source"] == {"file": "ratio.root"}
    assert metadata["declustering"] == "kt"
    unvaried = replace(measured, systematics={}, declustering="ca")
    correction.write(tmp_path / "c.json", unvaried, {})
    assert same(correction.read(tmp_path / "c.json"), unvaried)


def test_equal_content_gives_equal_bytes(measured, tmp_path):
    correction.write(tmp_path / "a.json", measured, {})
    correction.write(tmp_path / "b.json", correction.read(tmp_path / "a.json"), {})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.metadata.json").read_bytes() == (tmp_path / "b.metadata.json").read_bytes()


def no_corrections(document, _):
    document.pop("corrections")


def inverted(document, _):
    for item in document["corrections"][0]["data"]["content"][0]["value"]["content"]:
        for part in item["value"]["content"][1:-1]:
            part["content"] = [1000.0 / value for value in part["content"]]


def negative_error(document, _):
    (error,) = (c for c in document["corrections"] if c["name"] == "lund_ratio_error")
    content = error["data"]["content"][0]["value"]["content"]
    error["data"]["content"][0]["value"]["content"] = [-1.0, *content[1:]]


def direct_range_below_the_bins(_, metadata):
    metadata["direct_pt_range"][0] = metadata["bins"]["subjet_pt"][0] - 1


def reversed_factors(_, metadata):
    metadata["factor_range"].reverse()


def no_error(document, _):
    document["corrections"] = [c for c in document["corrections"] if c["name"] != "lund_ratio_error"]


def other_bins(_, metadata):
    metadata["bins"]["ln_kt"].append(9.0)


def falling_bins(_, metadata):
    metadata["bins"]["ln_kt"].reverse()


def other_declustering(_, metadata):
    metadata["declustering"] = "ca"


def unknown_declustering(_, metadata):
    metadata["declustering"] = "anti-kt"


def no_covariance(_, metadata):
    metadata.pop("polynomial_covariance")


def other_systematics(_, metadata):
    metadata["systematics"].append("trigger")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (no_corrections, "not a correctionlib file"),
        (no_error, "no correction lund_ratio_error"),
        (other_bins, "no Lund-plane correction with its metadata"),
        (falling_bins, "no Lund-plane correction with its metadata"),
        (other_declustering, "no Lund-plane correction with its metadata .*declustering 'kt' in the tables"),
        (other_systematics, "no Lund-plane correction with its metadata .*trigger_up"),
        (inverted, "no Lund-plane correction with its metadata .*lund_ratio goes from .*, outside factor_range"),
        (negative_error, "no Lund-plane correction with its metadata .*lund_ratio_error is negative in a bin"),
        (direct_range_below_the_bins, "no Lund-plane correction with its metadata .*and the bins begin at"),
        (reversed_factors, "no Lund-plane correction with its metadata .*factor_range is"),
    ],
)
def test_another_file_is_refused_by_name(measured, tmp_path, spoil, problem):
    path = tmp_path / "c.json"
    correction.write(path, measured, {})
    paths = path, correction.metadata_path(path)
    documents = [json.loads(p.read_text()) for p in paths]
    spoil(*documents)
    paths[0].write_text(json.dumps(documents[0]))
    # What a program that makes both files together would write.
    del documents[1]["checksum"]
    paths[1].write_text(json.dumps(documents[1] | {"checksum": correction._checksum(path, documents[1])}))
    with pytest.raises(InputFileError, match=rf"c\.json: .*{problem}.*; make it with `resonaut calibrate measure`"):
        correction.read(path)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (unknown_declustering, "declustering is 'anti-kt', and should be 'ca' or 'kt'"),
        (no_covariance, "it has no 'polynomial_covariance'"),
    ],
)
def test_metadata_are_of_this_form(measured, tmp_path, spoil, problem):
    correction.write(tmp_path / "c.json", measured, {})
    path = correction.metadata_path(tmp_path / "c.json")
    content = json.loads(path.read_text())
    spoil(None, content)
    path.write_text(json.dumps(content))
    with pytest.raises(
        InputFileError, match=rf"c\.metadata\.json: no metadata of a Lund-plane correction \({problem}\)"
    ):
        correction.read(tmp_path / "c.json")


def test_a_correction_is_not_used_with_the_metadata_of_another(measured, tmp_path):
    for name, one in (("a", measured), ("b", replace(measured, error=2 * measured.error))):
        correction.write(tmp_path / f"{name}.json", one, {})
    (tmp_path / "b.metadata.json").replace(tmp_path / "a.metadata.json")
    with pytest.raises(InputFileError, match=r"a\.metadata\.json: not made together with a\.json, or one of them was"):
        correction.read(tmp_path / "a.json")


def test_edited_metadata_are_refused(measured, tmp_path):
    correction.write(tmp_path / "c.json", measured, {})
    path = correction.metadata_path(tmp_path / "c.json")
    metadata = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(metadata.items()))))
    correction.read(tmp_path / "c.json")
    metadata["bins"]["ln_kt"][0] -= 1
    path.write_text(json.dumps(metadata))
    with pytest.raises(InputFileError, match=r"c\.metadata\.json: not made together with c\.json, or one of them was"):
        correction.read(tmp_path / "c.json")


def test_missing_metadata_is_named(measured, tmp_path):
    correction.write(tmp_path / "c.json", measured, {})
    (tmp_path / "c.metadata.json").unlink()
    with pytest.raises(InputFileError, match=r"c\.metadata\.json: no such file"):
        correction.read(tmp_path / "c.json")
