"""The figure of what passes: background from failing events, samples upon it, and the data without the background."""

import numpy as np
import pytest

from resonaut.core.record import build
from resonaut.core.results import write
from resonaut.fit.histfactory.evaluate import evaluate
from resonaut.fit.inference import Inference
from resonaut.fit.results.models import ModelChannel, ModelDescription, Yield
from resonaut.fit.transfer.settings import Transfer
from resonaut.fit.transfer.workspace import transferred
from resonaut.report.fit import model_peaks

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
    workspace = transferred(plain, axes, {"qcd": build(given, Transfer, "x")})
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
    nothing = {"treatments": [], "transfer": [], "notes": [], "nuisances": []}
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
