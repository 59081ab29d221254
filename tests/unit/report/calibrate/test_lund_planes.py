"""The figure of the Lund planes: what is subtracted, what stays white, and which bins it shows."""

from dataclasses import replace

import hist
import numpy as np
import pytest
from matplotlib.image import imread

from resonaut.calibrate.results import Counted, Edges, Planes
from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.core.record import plain
from resonaut.core.results import write
from resonaut.report.calibrate import lund_planes

PNG = b"\x89PNG\r\n\x1a\n"


EDGES = Edges(subjet_pt=[10, 100, 200], ln_radius_over_delta=[0, 1, 2], ln_kt=[0, 1, 2, 3])


def side(values, subjets):
    axes = [hist.axis.Variable(edges, name=name, flow=False) for name, edges in vars(EDGES).items()]
    splittings = hist.Hist(*axes, storage=hist.storage.Weight())
    splittings.view().value = values
    return Counted(splittings=splittings, subjets=subjets, jets=1, uncalibrated_jets=0)


@pytest.fixture
def content():
    """Two slices of 2 x 3 bins; of the second slice nothing was measured."""
    data, background = np.full((2, 2, 3), 8.0), np.full((2, 2, 3), 2.0)
    background[0, 1, 2] = 9.0
    error = np.full((2, 2, 3), 0.1)
    ratio = np.full((2, 2, 3), 1.5)
    ratio[1], error[1] = 1.0, 1.0
    return Planes(
        edges=EDGES,
        data=side(data, [5.0, 5.0]),
        background=side(background, [2.0, 5.0]),
        simulation=side(np.full((2, 2, 3), 6.0), [3.0, 3.0]),
        ratio=ratio.tolist(),
        ratio_error=error.tolist(),
        systematics={"a": ((ratio + 0.3).tolist(), (ratio - 0.1).tolist()), "b": ((ratio + 0.4).tolist(),) * 2},
    )


def test_columns_of_the_figure(content) -> None:
    data, simulation, ratio, statistical, systematic = (column.values for column in lund_planes.columns(content))
    assert data[0, 0, 0] == pytest.approx((8 - 2) / (5 - 2))
    assert np.isnan(data[0, 1, 2])  # more background than data
    assert np.all(np.isnan(data[1]))  # no subjet above the background
    assert np.all(simulation == 2)
    assert np.all(ratio[0] == 1.5)
    assert statistical[0] == pytest.approx(0.1 / 1.5)
    # The larger sides, 0.3 and 0.4, in quadrature.
    assert systematic[0] == pytest.approx(0.5 / 1.5)
    for values in (ratio, statistical, systematic):
        assert np.all(np.isnan(values[1]))


def test_the_first_and_the_last_slice_hold_what_lies_beyond() -> None:
    pt = np.array([10.0, 65, 300, 350])
    assert [lund_planes.slice_name(pt, row) for row in range(3)] == [
        "subjet $p_T$ < 65 GeV",
        "65 < subjet $p_T$ < 300 GeV",
        "subjet $p_T$ > 300 GeV",
    ]
    assert lund_planes.slice_name(np.array([10.0, 350]), 0) == "all subjets"


def test_the_axes_end_where_the_splittings_do() -> None:
    edges = np.arange(6.0)
    assert lund_planes.ends(np.array([False, True, False, True, False]), edges) == (1, 4)
    assert lund_planes.ends(np.zeros(5, bool), edges) == (0, 5)


def test_figure_repeats_and_shows_each_slice(content, tmp_path) -> None:
    write(tmp_path / "planes.json", content)
    for name in ("a", "b"):
        lund_planes.draw(tmp_path / name, tmp_path / "planes.json", [], None)
    assert (tmp_path / "a/lund_planes.png").read_bytes().startswith(PNG)
    assert (tmp_path / "a/lund_planes.png").read_bytes() == (tmp_path / "b/lund_planes.png").read_bytes()
    height, width, _ = imread(tmp_path / "a/lund_planes.png").shape
    assert width > 2 * height  # two rows of five panels


def test_planes_without_any_measured_bin_are_drawn(content, tmp_path) -> None:
    nothing = np.zeros((2, 2, 3))
    empty = {name: side(nothing, [0.0, 0.0]) for name in ("data", "background", "simulation")}
    ones = {"ratio": np.ones((2, 2, 3)).tolist(), "ratio_error": np.ones((2, 2, 3)).tolist(), "systematics": {}}
    write(tmp_path / "planes.json", replace(content, **empty, **ones))
    lund_planes.draw(tmp_path, tmp_path / "planes.json", [], None)
    assert (tmp_path / "lund_planes.png").read_bytes().startswith(PNG)


def test_missing_and_wrong_input(content, tmp_path) -> None:
    with pytest.raises(InputFileError, match=r"none\.json: no such file"):
        lund_planes.draw(tmp_path / "out", tmp_path / "none.json", [], None)
    old = {key: value for key, value in plain(content, Planes).items() if key != "background"}
    write_json(tmp_path / "old.json", old)
    with pytest.raises(InputFileError, match=r"old\.json: no file of Lund planes \(it has no 'background'\);"):
        lund_planes.draw(tmp_path / "out", tmp_path / "old.json", [], None)
    assert not (tmp_path / "out").exists()


def test_drawn_planes_are_the_columns(content, kept, tmp_path) -> None:
    write(tmp_path / "planes.json", content)
    lund_planes.draw(tmp_path, tmp_path / "planes.json", [], None)
    for ax, column in zip(kept["lund_planes"].axes, lund_planes.columns(content), strict=False):
        drawn = np.ma.filled(ax.collections[0].get_array().astype(float), np.nan)
        assert np.array_equal(drawn, column.values[0].T, equal_nan=True)
