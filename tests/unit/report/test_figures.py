"""What the figures show is what the results say: the data of the drawn artists, and pictures against references.

The numbers are made up here, all different, so that one drawn in the place of another is seen. The references in
``images/`` hold no text, so that fonts change nothing; after a wanted change copy the picture that the failure names.
"""

import json
import pickle
from pathlib import Path

import hist
import matplotlib as mpl
import numpy as np
import pytest
import yaml
from matplotlib.testing.compare import compare_images
from matplotlib.text import Text
from scipy.stats import norm

from resonaut.core import style
from resonaut.core.files import write_json
from resonaut.core.histograms import to_json
from resonaut.core.manifest import Cut, Lost
from resonaut.fit.results.fits import Background, Fit
from resonaut.fit.results.points import Point
from resonaut.fit.results.scans import BumpResult, SelectionScan
from resonaut.report import cli
from resonaut.report.fit import limits_by_width, results
from resonaut.report.reweight import reweighting
from resonaut.report.skim import cutflow
from resonaut.report.tag import taggers
from resonaut.reweight.results import Closure
from resonaut.tag.results import Network

# The validator of hepdata_lib imports deprecated names and leaves files for the garbage collector to close.
pytestmark = [
    pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]

IMAGES = Path(__file__).parent / "images"
WINDOWS = {"low": (2900, 3500), "high": (3500, 4100), "far": (4900, 5100)}
Z = {3000: 0.4, 3200: -0.7, 3400: 3.1, 3600: 4.6, 3800: 1.2, 4000: 0.1, 5000: 2.2}
BANDS = {
    "expected": 1,
    "expected_minus_2": 0.5,
    "expected_minus_1": 0.7,
    "expected_plus_1": 1.4,
    "expected_plus_2": 2.1,
}
# At these masses of cwola there is no limit, in no range a good fit, a signal that the fit moves, a resonance.
NO_LIMIT, DOUBTFUL, MOVED, FOUND = (3200,), (3400, 5000), (3800,), (3600,)
WIDTHS = (0.0, 0.1)


def significance(method, mass):
    return Z[mass] * (1.3 if method == "cwola" else 1)


def fit(content_of, mass, good):
    """A fit with an excess above its background at the resonance, and too few events elsewhere."""
    edges = np.linspace(2800, 5400, 14)
    centres = (edges[1:] + edges[:-1]) / 2
    background = 2000 * np.exp(-(centres - 2800) / 600)
    signal = 80 * np.exp(-(((centres - mass) / 150) ** 2) / 2)
    counts = np.round(background - 0.5 * np.sqrt(background) + signal)
    lists = {"edges": edges, "counts": counts, "background": background, "signal": signal}
    lists |= {"signal_plus_background": background + signal, "pulls": (counts - background) / np.sqrt(background)}
    numbers = {"chi2": 15.0, "ndf": 10, "family": "dijet", "shape_parameters": 3, "good": good}
    numbers |= {"low": 2800.0, "high": 5400.0, "p_background": 0.02, "p_signal": 0.4, "p_smooth": 0.1}
    return content_of(Fit, **numbers, **{name: values.tolist() for name, values in lists.items()})


def wider(limit, width):
    """Limits on a resonance of this width."""
    return {name: (1 + 10 * width) * value for name, value in limit.items()}


def point(content_of, method, mass):
    limit = {name: 10 * factor * (3000 / mass) ** 3 for name, factor in BANDS.items()}
    limit["observed"] = limit["expected"] * (1.5 + 0.3 * Z[mass]) * (2 if method == "cwola" else 1)
    moved = method == "cwola" and mass in MOVED
    scale = {"size": 0.1, "pull": 2.6 if moved else 0.8, "error": 0.5, "impact": 3.0, "limit_impact": 0.04}
    given = {
        "mass": float(mass),
        "p_local": float(norm.sf(max(significance(method, mass), 0))),
        "z_local": significance(method, mass),
        "z_expected": mass / 2000 + (2 if method == "cwola" else 0.5),
        "reference_signal": 5.0,
        "signal_yield": 12.0,
        "signal_yield_error_up": 6.0,
        "signal_yield_error_down": 5.0,
        "signal_yield_floating": 13.0,
        "signal_yield_floating_error_up": 7.0,
        "signal_yield_floating_error_down": 4.0,
        "efficiency": 0.2,
        "limit": limit,
        "limit_events": {name: 4 * value for name, value in limit.items()},
        "limit_reason": None,
        "limit_events_toys": None,
        "limit_events_pyhf": None,
        "limits_by_width": [
            {
                "width": width,
                "limit_events": None if width and mass in NO_LIMIT else wider(limit, width),
                "reason": None,
            }
            for width in WIDTHS
        ],
        "nuisances": {"scale": scale, "resolution": scale | {"pull": -1.2, "error": 0.9, "limit_impact": 0.02}},
        "nuisance_groups": {},
        "fit": fit(content_of, mass, good=method != "cwola" or mass not in DOUBTFUL),
    }
    limited = not (method == "cwola" and mass in NO_LIMIT)
    return content_of(Point, **given | ({} if limited else {"limit": None}))


def searched(folder, content_of):
    """Results of the stage ``fit`` of two selections in three windows, of which the last touches no other one."""
    paths = []
    for method in ("tagger", "cwola"):
        for window, (low, high) in WINDOWS.items():
            content = {"method": method, "window": window, "signal_region": [low, high], "sqrt_s": 13000.0}
            content |= {
                "observable": "m_jj",
                "label": "m_jj",
                "unit": "GeV",
                "luminosity": 20.0,
                "confidence_level": 0.95,
                "global": None,
                "resonances": [],
            }
            if method == "cwola":
                content["resonances"] = [{"mass": mass, "z_local": 5.0} for mass in FOUND if low <= mass < high]
            content["scan"] = [point(content_of, method, mass) for mass in Z if low <= mass < high]
            whole = content["scan"][0]["fit"]
            shared = {name: whole[name] for name in ("edges", "counts", "pulls", "chi2", "ndf", "shape_parameters")}
            content["background"] = content_of(Background, **shared, expected=whole["background"], family="dijet")
            bump = {"low": 3400.0, "high": 3800.0, "p_local": 1e-4, "p_global": 0.01, "toys": 1000}
            content["bump_hunter"] = content_of(BumpResult, **bump)
            paths.append(folder / method / f"{window}.json")
            write_json(paths[-1], content_of(SelectionScan, **content))
    return paths


def networks(folder, content_of):
    """A tagger tested on 1,000 QCD jets; at small efficiencies of the signal less than one of them passes."""
    signal = np.linspace(0, 1, 51)
    ends = {"qcd_efficiency_low": (0.9 * signal**4).tolist(), "qcd_efficiency_high": (1.2 * signal**4).tolist()}
    roc = {"signal_efficiency": signal.tolist(), "qcd_efficiency": (signal**4).tolist(), **ends}
    network = {"background": "qcd", "roc": {"2prong": roc}, "auc": {"2prong": 0.8}, "auc_error": {"2prong": 0.01}}
    network |= {"held_out_jets": {"qcd": 1000, "2prong": 400}, "rejection": {"2prong": []}}
    write_json(folder / "small.json", content_of(Network, **network))
    return [folder / "small.json"]


def closure(folder, content_of):
    """Data and simulation of a feature with a unit and of one without."""
    features = []
    for name, label in (("m_j1", "m_j1 [GeV]"), ("tau21_j1", "tau21_j1")):
        axis = hist.axis.Variable([0, 10, 30, 60], name=name, label=label)
        feature = {"name": name, "ndof": 2, "chi2_before": 7.0, "chi2_after": 1.5}
        for i, kind in enumerate(("data", "before", "after")):
            filled = hist.Hist(axis, storage=hist.storage.Weight())
            filled.view().value, filled.view().variance = (np.array([50, 80, 90]) + 7 * i, np.array([50, 120, 160]))
            feature[kind] = to_json(filled)
        features.append(feature)
    aucs = {"auc_before": 0.54, "auc_error_before": 0.01, "auc_after": 0.5, "auc_error_after": 0.01}
    write_json(folder / "closure.json", content_of(Closure, features=features, **aucs))
    return folder / "closure.json"


@pytest.fixture(scope="module")
def manifests(folder, write_skimmed):
    """Of data and of a signal, of which a file is lost."""
    flow = [Cut(cut=f"cut {i}", events=10 * (9 - i), sum_weights=90.0 - 10 * i) for i in range(9)]
    lost = [Lost(file="a.root", reason="truncated", events=None)]
    known = {"nature": "data", "luminosity": 20.0, "cross_section": None}
    return [
        write_skimmed(folder, "data", events=10, cutflow=flow, **known),
        write_skimmed(folder, "x", events=10, cutflow=flow[:2], lost=lost, cross_section=2.0, mass=3500.0),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module")
def figures(folder, content_of, manifests, kept_by_module):
    """All figures by name, as objects."""
    write_json(folder / "report.json", {"label": "Simulation", "sqrt_s": 13000.0})
    cli.search(searched(folder / "fit", content_of), folder / "report", config=folder / "report.json")
    limits_by_width.draw(folder, searched(folder / "fit", content_of), folder / "report.json")
    taggers.draw(folder, networks(folder, content_of), folder / "report.json")
    data, signal = manifests
    reweighting.draw(folder, closure(folder, content_of), [data], folder / "report.json")
    cutflow.draw(folder, [data, signal], folder / "report.json")
    return dict(kept_by_module)


def named(ax, begin):
    """The artists whose name in the legend begins so, and of which there is at least one."""
    found = [artist for artist in ax.findobj() if str(artist.get_label()).startswith(begin)]
    assert found, f"nothing is named {begin}"
    return found


def curve(ax, begin):
    """Masses and values of the points of a line; its gaps left out."""
    x, y = next(artist for artist in named(ax, begin) if artist in ax.lines).get_data()
    return dict(zip(x[np.isfinite(y)], y[np.isfinite(y)], strict=True))


def drawn_without_break(line):
    """Pairs of masses that a line joins."""
    x, y = line.get_data()
    return {(x[i], x[i + 1]) for i in range(len(x) - 1) if np.isfinite(y[i]) and np.isfinite(y[i + 1])}


def panel(figure, title):
    return next(ax for ax in figure.axes if ax.get_title("left") == title)


def test_p_values(figures) -> None:
    (ax,) = figures["p_values"].axes
    for method in ("tagger", "cwola"):
        expected = {mass: norm.sf(max(significance(method, mass), 0)) for mass in Z}
        assert curve(ax, method) == pytest.approx(expected)
    # What is more significant is further below.
    (_, more), (_, less) = ax.transData.transform([(3600, norm.sf(4)), (3600, norm.sf(1))])
    assert more < less
    dashed = [line for line in ax.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    cwola = {mass: norm.sf(mass / 2000 + 2) for mass in Z if mass not in NO_LIMIT}
    values = [{x: y for x, y in zip(*line.get_data(), strict=True) if np.isfinite(y)} for line in dashed]
    assert pytest.approx(cwola) in values
    assert set(curve(ax, "found: ")) == set(FOUND)
    assert curve(ax, "numbers in doubt") == pytest.approx(
        {mass: norm.sf(significance("cwola", mass)) for mass in DOUBTFUL}
    )


@pytest.mark.parametrize("method", ["tagger", "cwola"])
def test_limits(figures, method, content_of) -> None:
    ax = panel(figures["limits"], method)
    known = {mass: point(content_of, method, mass)["limit"] for mass in Z}
    known = {mass: limit for mass, limit in known.items() if limit}
    for name in ("observed", "expected"):
        assert curve(ax, name) == pytest.approx({mass: limit[name] for mass, limit in known.items()})
    # Neither through the mass without a limit, nor between regions that do not touch.
    joined = {(3000, 3200), (3200, 3400), (3400, 3600), (3600, 3800), (3800, 4000)}
    joined = {pair for pair in joined if set(pair) <= set(known)}
    assert all(drawn_without_break(line) == joined for line in ax.lines if line.get_label() in ("observed", "expected"))


def test_limits_by_width(figures, content_of) -> None:
    """A line for each width, with gaps where there is no limit."""
    ax = panel(figures["limits_by_width"], "cwola")
    for width in WIDTHS:
        events = {mass: point(content_of, "cwola", mass)["limit_events"]["observed"] / 4 for mass in Z}
        expected = {
            mass: (1 + 10 * width) * value for mass, value in events.items() if not (width and mass in NO_LIMIT)
        }
        assert curve(ax, f"observed, width {100 * width:g} %") == pytest.approx(expected)


def test_bands_have_their_edges_and_stop_at_gaps(figures, content_of) -> None:
    ax = panel(figures["limits"], "cwola")
    for size in (1, 2):
        (band,) = (each for each in ax.collections if each.get_label() == f"expected ± {size}σ")
        corners = np.concatenate([path.vertices for path in band.get_paths() if np.ptp(path.vertices[:, 0])])
        limit = point(content_of, "cwola", 3800)["limit"]
        heights = corners[corners[:, 0] == 3800][:, 1]
        assert (heights.min(), heights.max()) == pytest.approx(
            (limit[f"expected_minus_{size}"], limit[f"expected_plus_{size}"])
        )
        # Of masses without a neighbour there are bars instead.
        assert sorted({x for x in corners[:, 0] if x in Z}) == [3400, 3600, 3800, 4000]
    bars = [each for each in ax.collections if type(each).__name__ == "LineCollection"]
    assert {segment[0][0] for each in bars for segment in each.get_segments()} == {3000, 5000}


def test_masses_without_a_limit_and_in_doubt_are_marked(figures, content_of) -> None:
    ax = panel(figures["limits"], "cwola")
    assert list(named(ax, "no limit")[0].get_xdata()) == list(NO_LIMIT)
    for begin, masses in (("numbers in doubt", (*DOUBTFUL, *MOVED)), ("found: ", FOUND)):
        expected = {mass: point(content_of, "cwola", mass)["limit"]["observed"] for mass in masses}
        assert curve(ax, begin) == pytest.approx(expected)
    others = panel(figures["limits"], "tagger").get_legend_handles_labels()[1]
    assert set(others) == {"observed", "expected", "expected ± 1σ", "expected ± 2σ"}


def test_hepdata_marks_the_same_masses(figures, folder) -> None:
    for name in ("limits", "local_p-values", "signal_yields"):
        content = yaml.safe_load((folder / f"report/hepdata/{name}_of_cwola.yaml").read_text())
        (masses,), variables = content["independent_variables"], content["dependent_variables"]
        values = {variable["header"]["name"]: [v["value"] for v in variable["values"]] for variable in variables}
        assert [each["value"] for each in masses["values"]] == list(Z)
        remarks = dict(zip(Z, values["Remarks"], strict=True))
        wanted = dict.fromkeys(DOUBTFUL, "no good fit in any range")
        if name != "local_p-values":
            wanted |= dict.fromkeys(MOVED, "the signal's scale is pulled by 2.6σ")
        if name == "limits":
            wanted |= dict.fromkeys(NO_LIMIT, f"no limit: {results.NO_EFFICIENCY}")
        assert {mass: remark for mass, remark in remarks.items() if remark != "-"} == wanted
        if name == "signal_yields":
            assert values["Signal yield, shape floating"] == [13] * len(Z)
            assert values["Pull of the scale"] == [2.6 if mass in MOVED else 0.8 for mass in Z]
        if name == "limits":
            assert [m for m, value in zip(Z, values["Observed limit"], strict=True) if value == "-"] == list(NO_LIMIT)


def test_spectrum_with_its_pulls(figures, content_of) -> None:
    ax, pulls = figures["cwola_high"].axes
    made = fit(content_of, 3600, good=True)
    edges, counts, background = (np.array(made[key]) for key in ("edges", "counts", "background"))
    bars = next(patch for patch in pulls.patches if type(patch).__name__ == "StepPatch" and patch.get_fill())
    assert bars.get_data().values == pytest.approx((counts - background) / np.sqrt(background))
    (points,) = (each for each in ax.containers if each.get_label() == "data")
    assert points[0].get_ydata() == pytest.approx(counts / np.diff(edges))
    assert named(ax, "background, ")[0].get_data().values == pytest.approx(background / np.diff(edges))
    assert named(ax, "with signal at 3600")[0].get_data().values == pytest.approx(
        np.array(made["signal_plus_background"]) / np.diff(edges)
    )
    region = named(ax, "signal region")[0]
    assert (region.get_x(), region.get_x() + region.get_width()) == WINDOWS["high"]
    # Grey enough to be seen on white, and with an outline.
    assert max(region.get_facecolor()[:3]) < 0.92
    assert max(region.get_edgecolor()[:3]) < 0.6
    # The legend says that the fit of a doubtful mass is one.
    assert "in doubt" in named(figures["cwola_far"].axes[0], "background, ")[0].get_label()
    assert "in doubt" not in named(ax, "background, ")[0].get_label()


def test_pulls_of_nuisances(figures) -> None:
    pulls = figures["nuisances"].axes[0]
    (points,) = pulls.containers
    assert [label.get_text() for label in pulls.get_yticklabels()] == ["scale, 10 %", "resolution, 10 %"]
    assert list(points[0].get_xdata()) == [0.8, -1.2]
    low, high = np.array(points[2][0].get_segments())[:, :, 0].T
    assert list(high - low) == pytest.approx([1.0, 1.8])


def test_fits_behind_the_masses(figures) -> None:
    parameters, probabilities, ranges = (figures["fits"].axes[i] for i in (1, 3, 5))
    assert curve(parameters, "dijet") == dict.fromkeys(Z, 3)
    assert curve(probabilities, "fit probability, background only") == dict.fromkeys(Z, 0.02)
    assert curve(probabilities, "fit probability, smooth distortions") == dict.fromkeys(Z, 0.1)
    assert curve(probabilities, "fit probability, with signal") == dict.fromkeys(Z, 0.4)
    segments = named(ranges, "fit range")[0].get_segments()
    assert [(*low, *high) for low, high in segments] == [(mass, 2800, mass, 5400) for mass in Z]
    assert set(curve(ranges, "numbers in doubt")) == set(DOUBTFUL)


def test_roc_curve_and_its_band(figures) -> None:
    (ax,) = figures["taggers"].axes
    signal, rejection = named(ax, "small: ")[0].get_data()
    assert rejection == pytest.approx(1 / signal**4)
    assert ax.get_xlabel().startswith("efficiency of 2prong")
    # 1,000 jets do not tell an efficiency below 1/1,000.
    assert rejection.max() <= 1000
    assert signal.max() == 1
    (band,) = ax.collections
    (path,) = band.get_paths()
    x = signal[np.argmin(np.abs(signal - 0.56))]
    heights = path.vertices[path.vertices[:, 0] == x][:, 1]
    assert heights.max() * x**4 == pytest.approx(1 / 0.9)
    assert heights.min() * x**4 == pytest.approx(1 / 1.2)


def test_reweighting_has_units_and_errors_of_the_simulation(figures) -> None:
    figure = figures["reweighting"]
    upper, lower = figure.axes[0], figure.axes[2]
    assert (upper.get_ylabel(), figure.axes[1].get_ylabel()) == ("events / GeV", "events / unit")
    assert lower.get_xlabel() == "m_j1 [GeV]"
    widths, after, error = np.array([10, 20, 30]), np.array([64, 94, 104]), np.sqrt([50, 120, 160])
    assert named(upper, "simulation after")[0].get_data().values == pytest.approx(after / widths)
    bands = [patch.get_data() for ax in (upper, lower) for patch in ax.patches if patch.get_fill()]
    assert bands[1].values - bands[1].baseline == pytest.approx(2 * error / widths)
    assert bands[3].values - bands[3].baseline == pytest.approx(2 * error / [50, 80, 90])


def test_cutflow_bars_and_labels(figures) -> None:
    figure = figures["cutflow"]
    (data, signal) = figure.axes
    assert [bar.get_width() for bar in data.patches] == pytest.approx([(9 - i) / 9 for i in range(9)])
    assert [text.get_text() for text in signal.texts] == ["90 (100.0%)", "80 (88.9%)"]
    assert "1 lost file" in signal.get_title("left")
    labels = [text for ax in figure.axes for text in (*ax.texts, *ax.get_yticklabels(), ax.title, ax._left_title)]
    boxes = [text.get_window_extent() for text in labels if text.get_text()]
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


@pytest.mark.parametrize("name", ["taggers", "reweighting", "p_values", "limits", "fits"])
def test_no_legend_hides_data_or_is_cut_off(figures, name) -> None:
    figure = figures[name]
    legends = [*figure.legends, *filter(None, (ax.get_legend() for ax in figure.axes))]
    assert legends
    boxes = [legend.get_window_extent() for legend in legends]
    assert not any(box.overlaps(ax.bbox) for box in boxes for ax in figure.axes)
    assert all(figure.bbox.contains(*box.min) and figure.bbox.contains(*box.max) for box in boxes)


def test_every_figure_says_what_it_is_of_and_is_not_cut_off(figures) -> None:
    for name, figure in figures.items():
        texts = {text.get_text() for text in figure.findobj(Text)}
        # Neither the taggers nor the cutflows are of one luminosity.
        luminosity = "" if name in ("taggers", "cutflow") else ", 20 fb"
        assert any(f"Simulation, 13 TeV{luminosity}" in text for text in texts), name
        boxes = [text.get_window_extent() for text in figure.texts]
        assert all(figure.bbox.contains(*box.min) and figure.bbox.contains(*box.max) for box in boxes), name


@pytest.mark.parametrize(
    "name", ["p_values", "limits", "fits", "nuisances", "cwola_high", "taggers", "reweighting", "cutflow"]
)
def test_pictures_are_those_of_the_references(figures, name, tmp_path) -> None:
    # A copy: the other tests want the text.
    figure, picture = pickle.loads(pickle.dumps(figures[name])), tmp_path / f"{name}.png"
    reference = IMAGES / picture.name
    with mpl.rc_context(style.STYLE):
        _without_text(figure)
        figure.savefig(picture, dpi=40, metadata={"Software": None})
    assert reference.exists(), f"look at {picture}, and copy it to {reference}"
    difference = compare_images(str(reference), str(picture), tol=1)
    assert difference is None, f"{difference}\nlook at {picture}, and if the change is wanted copy it to {reference}"


def _without_text(figure) -> None:
    """Hide all text, and place the axes where they are without any."""
    figure.set_layout_engine("none")
    for ax in figure.axes:
        ax.set_position(ax.get_subplotspec().get_position(figure))
        if ax.get_legend():
            ax.get_legend().remove()
    for legend in list(figure.legends):
        legend.remove()
    for text in figure.findobj(Text):
        text.set_visible(False)


def test_results_of_this_test_are_such_of_the_stage(bare, folder, content_of) -> None:
    """The made-up results lack nothing that the figures could read from real ones."""
    real = json.loads((bare / "scan.json").read_text())
    made = json.loads(searched(folder / "again", content_of)[0].read_text())
    assert set(made["scan"][0]) <= set(real["scan"][0])
    assert set(made["scan"][0]["fit"]) <= set(real["scan"][0]["fit"])
