"""The figures of emulated showers, of made-up evaluations."""

import csv
import html
from dataclasses import replace

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.results import write
from resonaut.emulate.results import (
    Area,
    Evaluation,
    Histogram,
    Layer,
    MeanShower,
    Measured,
    Moments,
    Observable,
    Overtraining,
    Response,
    Spectrum,
    Time,
    Timing,
)
from resonaut.learn.twosample.results import Chi2
from resonaut.report.emulate import (
    mean_shower,
    shower_agreement,
    shower_models,
    shower_response,
    shower_shapes,
    shower_times,
)
from resonaut.report.emulate.evaluations import called, energy, opened

BINS = Histogram(low=0.0, high=3.0, simulated=[100, 200, 100], emulated=[100, 100, 200])
MOMENTS = Moments(mean=0.9, mean_error=0.01, width=0.1, width_error=0.01)
ENERGIES = (512.0, 4096.0)


def evaluation(name: str, auc: float, copied: bool = False) -> Evaluation:
    area = Area(auc=auc, error=0.01, spread=0.02, jsd=0.1, jsd_spread=0.01, seeds=[auc])
    seen = Overtraining(showers=400, distance_ratio=0.5, share=0.9, error=0.025, p_value=1e-9, memorised=copied)
    tests = [Chi2(chi2=4.0, ndof=2, p_value=0.1), Chi2(chi2=50.0, ndof=2, p_value=1e-9)]
    return Evaluation(
        name=name,
        particle="photon",
        layers=[Layer(number=0, r_edges=[0, 1, 2], n_alpha=1), Layer(number=2, r_edges=[0, 1], n_alpha=4)],
        threshold=0.1,
        showers=800,
        responses=[
            Response(energy=one, showers=400, simulated=MOMENTS, emulated=MOMENTS, histogram=BINS) for one in ENERGIES
        ],
        observables=[
            Observable(name="response", separation=0.05, tests=tests),
            Observable(name="r_eta", separation=0.01, tests=tests[::-1]),
            Observable(name="energy_2", separation=0.0, tests=[Chi2(chi2=0.0, ndof=0, p_value=1.0), tests[0]]),
        ],
        spectra=[Spectrum(name=one, energy=4096.0, histogram=BINS) for one in ("response", "r_eta", "energy_2")],
        means=[
            MeanShower(
                energy=4096.0, simulated=[np.pi, 3 * np.pi, 1, 1, 0, 2], emulated=[np.pi, 6 * np.pi, 1, 1, 1, 2]
            )
        ],
        low_level=area,
        high_level=replace(area, auc=auc - 0.05),
        frechet=Measured(value=2e-3, error=1e-4),
        kernel=Measured(value=-1e-5, error=2e-5),
        overtraining=None if name == "simulation" else seen,
    )  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """A model, the floor, and a model that copies."""
    paths = []
    for name, auc in {"flow": 0.6, "simulation": 0.5, "copy": 0.55}.items():
        paths.append(tmp_path / "emulate" / name / "evaluation.json")
        paths[-1].parent.mkdir(parents=True)
        write(paths[-1], evaluation(name, auc, name == "copy"))
    return paths


def test_response_is_beside_that_of_the_simulation(files, tmp_path, kept) -> None:
    shower_response.draw(tmp_path, files)
    (upper, lower) = kept["response"].axes
    assert upper.get_title(loc="left") == "photons of 4.096 GeV"
    simulated, *models = (patch.get_data().values for patch in upper.patches)
    np.testing.assert_allclose(simulated, [0.25, 0.5, 0.25])
    # The floor is no model.
    assert len(models) == 2
    np.testing.assert_allclose(models[0], [0.25, 0.25, 0.5])
    ratio = lower.patches[1].get_data().values
    np.testing.assert_allclose(ratio, [1, 0.5, 2])
    (bars,) = {len(container.lines[2][0].get_segments()) for container in lower.containers}
    assert bars == 3
    # Poisson errors of the model's showers, over the share of the simulated ones.
    segment = lower.containers[0].lines[2][0].get_segments()[0]
    assert segment[1, 1] - segment[0, 1] == pytest.approx(2 * np.sqrt(100) / 100)
    assert len(kept["responses"].axes) == 4


def test_shapes_are_those_that_there_are(files, tmp_path, kept) -> None:
    shower_shapes.draw(tmp_path, files)
    upper, lower = kept["shapes"].axes
    assert lower.get_xlabel() == r"$R_\eta$"
    assert upper.get_title(loc="left") == "4.096 GeV"


def test_agreement_is_chi2_over_degrees_of_freedom(files, tmp_path, kept) -> None:
    shower_agreement.draw(tmp_path, files[:1])
    ax, _ = kept["flow_agreement"].axes
    assert [text.get_text() for text in ax.texts] == ["2.0", "25.0", "25.0", "2.0", "2.0"]
    assert [text.get_position() for text in ax.texts][0::4] == [(0, 0), (1, 2)]
    assert [text.get_text() for text in ax.get_yticklabels()][2] == "energy [MeV], layer 2"


def test_mean_shower_is_energy_per_area(files, tmp_path, kept) -> None:
    mean_shower.draw(tmp_path, files[:1])
    panels = [ax for ax in kept["flow_mean"].axes if ax.name == "polar"]
    first, ratio, wedges = (panels[place].collections[0].get_array() for place in (0, 4, 1))
    np.testing.assert_allclose(first[:, 0], [1, 1])
    np.testing.assert_allclose(ratio[:, 0], [1, 2])
    # Four sectors of one ring, from -pi on.
    np.testing.assert_allclose(np.unique(wedges), np.array([0, 1, 2]) * 4 / np.pi)
    np.testing.assert_allclose(wedges[0, [0, -1]], np.array([1, 2]) * 4 / np.pi)
    assert [ax.get_title() for ax in panels[:2]] == ["layer 0\nto 2 mm", "layer 2\nto 1 mm"]


def test_models_stand_beside_the_floor_and_published_ones(files, tmp_path, kept) -> None:
    shower_models.draw(tmp_path, files)
    (ax,) = kept["models"].axes
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert names[:4] == ["simulation", "flow", "copy", "CaloINN"]
    low = np.array(ax.containers[0].lines[0].get_ydata(), float)
    np.testing.assert_allclose(low, [0.5, 0.6, 0.55])
    with (tmp_path / "showers/models.csv").open() as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert (rows["flow"]["auc_low"], rows["flow"]["auc_high"]) == ("0.6", "0.55")
    assert rows["simulation"]["nearer_to_training"] == ""
    assert float(rows["flow"]["response_chi2_largest"]) == 25
    assert float(rows["flow"]["chi2_at_most_2"]) == pytest.approx(3 / 5)
    page = html.unescape((tmp_path / "showers/models.html").read_text())
    assert "0.600 ± 0.020" in page
    assert "Showers of 'copy' are nearer" in page
    assert "Showers of 'flow' are nearer" not in page
    assert "arXiv:2410.21611" in page


def test_times_by_batch(tmp_path, kept) -> None:
    times = [
        Time(energy=e, batch=b, milliseconds=10 / b, fastest=9 / b, slowest=12 / b)
        for e in (10.0, 1e6)
        for b in (100, 1)
    ]
    path = tmp_path / "timing.json"
    write(path, Timing(name="flow", threads=2, times=times))
    shower_times.draw(tmp_path, [path])
    first, second = kept["times"].axes
    np.testing.assert_allclose(np.array(first.containers[0].lines[0].get_data(), float), [[1, 100], [10, 0.1]])
    assert second.get_title("left") == "1 TeV"
    assert first.get_legend_handles_labels()[1] == ["flow (2 threads)"]


def test_evaluations_of_other_showers_are_refused(files, tmp_path) -> None:
    assert [one.name for one in opened(files)] == ["simulation", "flow", "copy"]
    other = evaluation("other", 0.5)
    write(tmp_path / "other.json", replace(other, threshold=1.0))
    with pytest.raises(InputFileError, match=r"other\.json: is of other simulated showers than .*flow"):
        opened([files[0], tmp_path / "other.json"])


def test_what_observables_and_energies_are_called() -> None:
    assert called("centre_x_12") == r"centre in $\eta$ [mm], layer 12"
    assert called("unknown") == "unknown"
    assert [energy(one) for one in (256.0, 262144.0, 4194304.0)] == ["256 MeV", "262.1 GeV", "4.194 TeV"]
