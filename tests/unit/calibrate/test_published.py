"""Files of CMS's layout; polynomials (TF1) cannot be written from Python, so that whole files are stand-ins."""

import hashlib

import hist
import numpy as np
import pytest
import uproot
from typer.testing import CliRunner

from resonaut.calibrate import correction, published
from resonaut.calibrate.cli import app
from resonaut.calibrate.published import read_published
from resonaut.core.errors import InputFileError

EDGES = ([10.0, 65.0, 110.0, 99999.0], [0.0, 2.0, 4.0, 8.0], [-5.0, -3.0, 0.0, 4.0])
TABLES = ("ratio_nom", "ratio_sys_tot_up", "ratio_sys_tot_down", "h_bl_ratio", "mc_nom")
CONSTANT, LINEAR = "[p0]*pow(x,(0))", "[p0]*pow(x,(0))+[p1]*pow(x,(1))"


class Members(dict):
    """Whatever has members: TF1, TFormula, TParameter."""

    def member(self, name):
        return self[name]


def function(formula: str, values: list[float], errors: list[float]) -> Members:
    inner = Members(fFormula=formula, fClingParameters=values)
    return Members(fFormula=inner, fParErrors=errors)


def table(value: float, error: float = 0.1) -> hist.Hist:
    h = hist.Hist(*map(hist.axis.Variable, EDGES), storage=hist.storage.Weight())
    h.values()[:], h.variances()[:] = value, error**2
    return h


class Histogram:
    """What uproot reads of a TH3F."""

    def __init__(self, h: hist.Hist) -> None:
        self.h = h

    def axis(self, i):
        return Axis(self.h.axes[i].edges)

    def values(self):
        return self.h.values().astype(np.float32)

    def errors(self):
        return np.sqrt(self.h.variances())


class Axis:
    def __init__(self, edges):
        self.found = edges

    def edges(self):
        return self.found


class File(dict):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __missing__(self, key):
        raise uproot.KeyInFileError(key)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A published file in memory: all its objects, to be changed by a test, which then reads ``path``."""
    tables = {name: table(value) for name, value in zip(TABLES, (1.5, 1.6, 1.4, 0.9, 8.0), strict=True)}
    for h in tables.values():
        h[:, 2, :] = np.stack([h.values()[:, 2] * 100, h.variances()[:, 2]], axis=-1)  # raw counts
    objects = File({name: Histogram(h) for name, h in tables.items()})
    for j, k in np.ndindex(3, 3):
        where = f"{j + 1}_{k + 1}"
        for name in ("func", "func_sys_tot_up", "func_sys_tot_down"):
            objects[f"pt_extrap/{name}_{where}"] = function(CONSTANT, [1.2], [0.3])
        objects[f"pt_extrap/func_covar_{where}"] = Members(fVal=np.nan)
    objects["pt_extrap/func_1_2"] = function(LINEAR, [0.8, 12.0], [0.04, 3.5])
    objects["pt_extrap/func_covar_1_2"] = Members(fVal=-0.117)
    objects["pt_extrap/func_sys_tot_up_1_2"] = function(LINEAR, [0.9, 13.0], [np.nan, np.nan])
    monkeypatch.setattr(published.uproot, "open", lambda _: objects)
    objects.path = tmp_path / "ratio_2018.root"
    objects.path.write_bytes(b"root")
    return objects


def test_tables_empty_bins_and_the_corrupt_row(file):
    nominal = file["ratio_nom"].h
    nominal[0, 0, 0], nominal[0, 0, 1], nominal[0, 0, 2] = (0, 0), (0.01, 0.5**2), (70, 9)
    file["ratio_sys_tot_up"].h[0, 0, 0] = (0, 0)
    file["h_bl_ratio"].h[0, 1, 1] = (0, 0)
    found, source = read_published(file.path)
    assert found.bins.edges == ((10, 65, 110, 350), tuple(EDGES[1]), tuple(EDGES[2]))
    assert (found.declustering, found.minimum_delta, found.minimum_kt) == ("kt", 0.005, 0.02)
    assert (found.direct_pt_range, found.factor_range) == ((15, 350), (0.2, 5))
    up, down = found.systematics["systematic"]
    # An empty bin is 1 +- 1 and is not varied, a filled one clipped; the last row of ln(0.8/Delta) counts as empty.
    assert found.nominal.table[0, 0].tolist() == [1, 0.2, 5]
    assert found.error[0, 0] == pytest.approx([1, 0.5, 3])
    assert (up.table[0, 0, 0], down.table[0, 0, 0]) == (1, 1)
    assert found.b_light[0, 1] == pytest.approx([0.9, 1, 0.9])
    for values in (found.nominal.table, found.error, up.table, down.table, found.b_light):
        assert np.all(values[:, -1] == 1)
    assert found.nominal.table[1:, :-1] == pytest.approx(1.5)
    assert (up.table[1, 1, 1], down.table[1, 1, 1]) == (pytest.approx(1.6), pytest.approx(1.4))
    assert source["file"] == "ratio_2018.root"
    assert source["sha256"] == hashlib.sha256(b"root").hexdigest()
    assert source["empty_bins"] == 10
    assert "> 4" in source["masked"]


def test_polynomials_and_their_covariance(file):
    found, _ = read_published(file.path)
    assert found.nominal.polynomial[:, 0, 1].tolist() == [0.8, 12, 0]
    assert found.covariance[:, :, 0, 1] == pytest.approx(np.array([[0.04**2, -0.117, 0], [-0.117, 12.25, 0], [0] * 3]))
    assert found.systematics["systematic"][0].polynomial[:, 0, 1].tolist() == [0.9, 13, 0]
    # A constant has only its own error: the covariance object beside it holds anything.
    assert found.nominal.polynomial[:, 1, 1].tolist() == [1.2, 0, 0]
    assert found.covariance[:, :, 1, 1] == pytest.approx(np.diag([0.09, 0, 0]))
    assert found.nominal.polynomial[:, -1].tolist() == [[1] * 3, [0] * 3, [0] * 3]
    assert found.covariance[:, :, -1, 0].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_density_is_the_share_in_bins_inside_the_cuts(file):
    found, _ = read_published(file.path)
    # ln(0.8/0.005) = 5.1 and ln 0.02 = -3.9 lie inside the last bin of one and the first bin of the other axis.
    assert found.density[:, :2, 1:] == pytest.approx(1 / 4)
    assert not found.density[:, 2].any()
    assert not found.density[:, :, 0].any()


def test_what_is_written_reads_back(file, tmp_path):
    found, source = read_published(file.path)
    correction.write(tmp_path / "c.json", found, source)
    back = correction.read(tmp_path / "c.json")
    assert np.array_equal(back.covariance, found.covariance)
    assert np.array_equal(back.systematics["systematic"][0].table, found.systematics["systematic"][0].table)
    assert back.bins == found.bins


def drop(name):
    return lambda file: file.pop(name)


def cubic(file):
    file["pt_extrap/func_2_2"] = function(CONSTANT + "+[p1]*pow(x,(3))", [1, 1], [1, 1])


def not_finite(file):
    file["pt_extrap/func_covar_1_2"] = Members(fVal=np.nan)


def other_bins(file):
    file["h_bl_ratio"] = Histogram(hist.Hist(*(hist.axis.Regular(3, 0, 1) for _ in range(3)), storage="weight"))


def counts(name):
    """Numbers of splittings, as generator-level files hold them under the name of a ratio."""
    return lambda file: file.update({name: Histogram(table(800.0))})


def axes(*edges):
    """All histograms between other edges."""

    def spoil(file):
        for name in TABLES:
            h = hist.Hist(*map(hist.axis.Variable, edges), storage=hist.storage.Weight())
            h.values()[:], h.variances()[:] = 1.5, 0.01
            file[name] = Histogram(h)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (counts("ratio_nom"), "ratio_nom holds no ratios: 100% of its contents are not between 0.2 and 5"),
        (counts("h_bl_ratio"), "h_bl_ratio holds no ratios"),
        (axes(EDGES[1], EDGES[0], EDGES[2]), r"its axes are not subjet p_T, ln\(0\.8/Delta\) and ln\(k_T/GeV\)"),
        (axes([10.0, 65.0, 400.0, 99999.0], *EDGES[1:]), "its last p_T bin begins at 400 GeV, and not below 350 GeV"),
        (drop("ratio_sys_tot_up"), "no object 'ratio_sys_tot_up'"),
        (drop("pt_extrap/func_1_1"), "no object 'pt_extrap/func_1_1'"),
        (cubic, "pt_extrap/func_2_2 is .*, neither constant nor linear in 1/p_T"),
        (not_finite, "NaN or infinite"),
        (other_bins, "not binned alike"),
    ],
)
def test_a_file_that_lacks_something_is_refused_by_name(file, spoil, problem):
    spoil(file)
    with pytest.raises(InputFileError, match=rf"ratio_2018\.root: .*{problem}.*; give a file"):
        read_published(file.path)


def test_files_of_another_kind(tmp_path):
    with pytest.raises(InputFileError, match=r"absent\.root: no such file"):
        read_published(tmp_path / "absent.root")
    (tmp_path / "text.root").write_text("hello")
    with pytest.raises(InputFileError, match=r"text\.root: not a readable file of Lund-plane ratios"):
        read_published(tmp_path / "text.root")
    with uproot.recreate(tmp_path / "flat.root") as file:
        file["ratio_nom"] = hist.Hist(hist.axis.Regular(3, 0, 1), storage="weight")
    with pytest.raises(InputFileError, match=r"flat\.root: "):
        read_published(tmp_path / "flat.root")
    with uproot.recreate(tmp_path / "half.root") as file:
        for name in TABLES:
            file[name] = table(1.0)
    with pytest.raises(InputFileError, match=r"half\.root: no object 'pt_extrap"):
        read_published(tmp_path / "half.root")


def test_command(file, tmp_path):
    done = CliRunner().invoke(app, ["import", "--input", str(file.path), "--output", str(tmp_path / "c.json")])
    assert done.exit_code == 0, done.output
    assert correction.read(tmp_path / "c.json").declustering == "kt"
    assert correction.metadata_path(tmp_path / "c.json").exists()
