"""Figures of models with transfer factors: what passes, with and without the background, its ratio to what fails."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core.record import build
from resonaut.core.results import read, write
from resonaut.fit.histfactory.evaluate import evaluate
from resonaut.fit.inference import Inference
from resonaut.fit.results.histfactory import ChannelYields, Correlations, ModelResult, SampleYields
from resonaut.fit.results.models import ModelChannel, ModelDescription, Yield
from resonaut.fit.results.transfer import TransferRegion
from resonaut.fit.transfer.settings import Transfer
from resonaut.fit.transfer.workspace import regions, transferred
from resonaut.report.fit import model_peaks, model_transfer

EDGES = [60.0, 80.0, 90.0, 120.0]


@pytest.fixture(params=[1, 0])
def fitted(tmp_path, request):
    """Fit and description of a model in which a tenth of the background passes, and W bosons beside it."""
    peak, fails, factor = [10.0, 40.0, 9.0], [900.0, 400.0, 700.0], {"name": "mu", "type": "normfactor", "data": None}
    channels = [
        {"name": "pass", "samples": [{"name": "w", "data": peak, "modifiers": [factor]}]},
        {"name": "fail", "samples": [{"name": "w", "data": [1.0, 2.0, 1.0], "modifiers": []}]},
    ]
    passes = [100.0, 80.0, 79.0]
    plain = {
        "version": "1.0.0",
        "channels": channels,
        "observations": [{"name": "pass", "data": passes}, {"name": "fail", "data": fails}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }
    given = {"polynomials": {"tf": {"regions": {"pass": {"fail": "fail"}}, "orders": [request.param]}}}
    axes = dict.fromkeys(("pass", "fail"), EDGES)
    transfers = {"qcd": build(given, Transfer, "x")}
    workspace = transferred(plain, axes, transfers)
    settings = build({"impacts": False, "scan_points": 0, "limits": "none"}, Inference, "x")
    folder = tmp_path / "peak"
    write(folder / "result.json", evaluate(workspace, settings, folder / "workspace.json"))
    described = {
        name: ModelChannel(
            observable="m",
            label="m",
            unit="GeV",
            edges=EDGES,
            samples={"w": Yield(events=sum(peak), error=0.0, contents=peak)},
            data=passes,
        )
        for name in axes
    }
    nothing = {"treatments": [], "transfer": [], "notes": [], "nuisances": [], "transferred": regions(transfers)}
    nothing["processes"] = {"w": "w", "qcd": "qcd", "qcd_0": "qcd", "qcd_1": "qcd"}
    about = {"model": "peak", "luminosity": 0.5, "asimov": False, "parameters_of_interest": ["mu"], "signals": ["w"]}
    write(folder / "model.json", ModelDescription(**about, **nothing, channels=described))
    return folder, np.array(passes)


def test_the_data_stand_upon_the_background_and_without_it(fitted, kept, tmp_path) -> None:
    folder, passes = fitted
    model_peaks.draw(tmp_path, [folder / "result.json"], [folder / "model.json"], None)
    above, below = kept["peak_peaks"].axes
    assert above.get_title("left") == "pass"
    data = [next(one for one in ax.containers if one.get_label() == "data")[0].get_ydata() for ax in (above, below)]
    np.testing.assert_allclose(data[0], passes / np.diff(EDGES))
    behind = next(one for one in above.patches if one.get_label() == "from failing events").get_data().values
    np.testing.assert_allclose(data[0] - data[1], behind)
    # What fails is ten times what passes beside the peak.
    assert behind * np.diff(EDGES) == pytest.approx([90, 40, 70], rel=0.15)
    peak = next(one for one in below.patches if one.get_label() == "w").get_data()
    np.testing.assert_allclose(peak.values / peak.values.sum(), np.array([0.5, 4, 0.3]) / 4.8)


def test_the_polynomial_stands_among_the_ratios_of_the_data(fitted, kept, tmp_path) -> None:
    folder, passes = fitted
    model_transfer.draw(tmp_path, [folder / "result.json"], [folder / "model.json"], None)
    (ax,) = kept["peak_transfer"].axes
    order = len(read(folder / "model.json", ModelDescription).transferred[0].coefficients) - 1
    assert ax.get_title("left") == f"pass / fail, order {order}"
    found = read(folder / "result.json", ModelResult)
    line = next(one for one in ax.patches if one.get_label() == "polynomial as fitted").get_data().values
    # As fitted, what passes is the polynomial times what fails.
    background = sum(np.array(one.after) for name, one in found.yields["pass"].samples.items() if name != "w")
    np.testing.assert_allclose(line, background / np.array(found.yields["fail"].samples["qcd"].after))
    assert line == pytest.approx(0.1, rel=0.15)
    if order == 0:
        np.testing.assert_allclose(line, line[0])
    data = next(one for one in ax.containers if one.get_label() == "data less other samples")[0].get_ydata()
    w = [np.array(found.yields[name].samples["w"].after) for name in ("pass", "fail")]
    np.testing.assert_allclose(data, (passes - w[0]) / (np.array([900.0, 400.0, 700.0]) - w[1]))


def test_the_band_is_that_of_correlated_coefficients(fitted) -> None:
    folder, _ = fitted
    found = read(folder / "result.json", ModelResult)
    (region,) = read(folder / "model.json", ModelDescription).transferred
    ratio, error = model_transfer.polynomial(region, found)
    fitted_to = {one.name: one for one in found.parameters}
    values, errors = (
        np.array([getattr(fitted_to[one], key) for one in region.coefficients.values()]) for key in ("value", "error")
    )
    if len(values) == 1:
        assert error == pytest.approx(ratio * errors[0] / values[0])
        return
    x = along()
    places = [found.correlations.names.index(one) for one in region.coefficients.values()]
    rho = found.correlations.matrix[places[0]][places[1]]
    assert abs(rho) > 0.1
    a, b = (1 - x) * errors[0], x * errors[1]
    scale = ratio[0] / ((1 - x) * values[0] + x * values[1])[0]
    assert ratio == pytest.approx(scale * ((1 - x) * values[0] + x * values[1]))
    assert error == pytest.approx(scale * np.sqrt(a**2 + b**2 + 2 * rho * a * b))


def test_a_coefficient_without_an_error_has_no_part_in_the_band(fitted) -> None:
    folder, _ = fitted
    found = read(folder / "result.json", ModelResult)
    (region,) = read(folder / "model.json", ModelDescription).transferred
    names = [*region.coefficients.values()]
    parameters = [replace(one, error=None) if one.name == names[0] else one for one in found.parameters]
    kept = [place for place, name in enumerate(found.correlations.names) if name != names[0]]
    matrix = [[found.correlations.matrix[a][b] for b in kept] for a in kept]
    correlations = Correlations(names=[found.correlations.names[place] for place in kept], matrix=matrix)
    ratio, error = model_transfer.polynomial(region, replace(found, parameters=parameters, correlations=correlations))
    np.testing.assert_allclose(ratio, model_transfer.polynomial(region, found)[0])
    # The other function is a straight line from zero, and of a constant there is no other.
    if len(names) == 1:
        assert not error.any()
    else:
        assert error[0] > 0
        np.testing.assert_allclose(error / along(), error[0] / along()[0])


def test_no_ratio_where_other_samples_are_more_than_the_data_that_fail() -> None:
    region = TransferRegion(
        background="qcd", polynomial="tf", passes="p", fails="f", orders=[0], coefficients={"qcd_0": "qcd_tf_0"}
    )
    passes, fails = (channel(observed, name) for observed, name in (([4.0, 4.0], "qcd_0"), ([100.0, 1.0], "qcd")))
    values, low, high = model_transfer.data(passes, fails, region)
    assert values[0] == pytest.approx(2 / 98)
    assert low[0] < values[0] < high[0]
    assert np.isnan([values[1], low[1], high[1]]).all()


def along() -> np.ndarray:
    """The middles of the bins, from 0 at the lowest edge to 1 at the highest."""
    return (np.array(EDGES[1:]) + EDGES[:-1] - 2 * EDGES[0]) / (2 * (EDGES[-1] - EDGES[0]))


def channel(observed: list[float], background: str) -> ChannelYields:
    """A channel with two events a bin of another sample, and some background."""

    def sample(value: float) -> SampleYields:
        lists = {name: [value, value] for name in ("before", "before_errors", "after", "after_errors")}
        return SampleYields(**lists, sum_before=0.0, sum_before_error=0.0, sum_after=0.0, sum_after_error=0.0)

    return ChannelYields(observed=observed, samples={"w": sample(2.0), background: sample(9.0)}, total=sample(11.0))
