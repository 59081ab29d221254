"""The figure of each selection."""

from dataclasses import replace

import hist
import numpy as np

from resonaut.report.select import selections
from resonaut.select.results import Trained


def spectrum(name: str, unit: str, values: np.ndarray, bins: int, high: float) -> hist.Hist:
    axis = hist.axis.Regular(bins, 0, high, name=name, label=name if unit == "1" else f"{name} [{unit}]")
    return hist.Hist(axis, storage=hist.storage.Int64()).fill(values)


PNG = b"\x89PNG\r\n\x1a\n"


def test_figures_repeat_byte_for_byte(selected, tmp_path) -> None:
    for again in ("a", "b"):
        selections.draw(tmp_path / again, selected, [], None)
    made = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*.*")}
    assert made == {path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*.*")}
    pictures = {path.as_posix() for path, content in made.items() if content.startswith(PNG)}
    assert pictures == {
        *(f"selections/{method}_{window}.png" for method in ("cwola", "tagger") for window in ("low", "high")),
    }


def test_drawn_selection(selected, kept, tmp_path) -> None:
    selections.draw(tmp_path, selected, [], None)
    spectra, sculpting, importances = kept["cwola_low"].axes
    (points,) = sculpting.containers
    assert list(points[0].get_ydata()) == [1, 1, 1]
    assert list(points[0].get_xdata()) == [3125, 3375, 3875]
    assert [bar.get_width() for bar in importances.patches] == [90, 50]
    assert "signal region" in {text.get_text() for text in spectra.get_legend().get_texts()}


def test_spectra_in_further_columns_are_drawn_below(example, tmp_path, kept):
    rng = np.random.default_rng(5)
    further = {
        "j1_softdrop_mass": spectrum("j1_softdrop_mass", "GeV", rng.gamma(4, 20, 4000), 120, 240.0),
        "j1_tau21": spectrum("j1_tau21", "1", rng.beta(3, 4, 900), 20, 1.0),
    }
    mass = spectrum("m_jj", "GeV", rng.exponential(300, 5000), 100, 2000.0)
    given = {"method": "cwola", "window": "w", "label": "m_jj", "unit": "GeV", "signal_region": (500.0, 700.0)}
    content = replace(example(Trained), **given, spectrum=mass, spectra={"0.1": mass}, further=further)
    selections.selection(content, "made up", tmp_path / "s.png")
    selections.selection(replace(content, further={}), "made up", tmp_path / "alone.png")
    drawn, alone = kept["s"], kept["alone"]
    assert len(alone.axes) == 3
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in drawn.axes[3:]] == [
        (r"$m_{\mathrm{SD}}$ of jet 1 [GeV]", "selected events / 4 GeV"),
        ("$j1_{tau21}$", "selected events / 0.05"),
    ]
    for ax, histogram in zip(drawn.axes[3:], further.values(), strict=True):
        (stairs,) = ax.patches
        shown, counts = stairs.get_data().values, histogram.values()
        np.testing.assert_array_equal(shown, counts.reshape(len(shown), -1).sum(axis=1))
