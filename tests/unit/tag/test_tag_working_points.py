"""Working points: as many QCD jets pass at all masses and momenta, by scores of known distribution."""

import json

import awkward as ak
import correctionlib
import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm
from typer.testing import CliRunner

from resonaut.core import configuration, events, identifier
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError
from resonaut.core.record import build
from resonaut.core.results import read
from resonaut.tag import plan
from resonaut.tag.cli import app
from resonaut.tag.results import WorkingPointSummary
from resonaut.tag.working_points import thresholds
from resonaut.tag.working_points.measure import flatness, measure
from resonaut.tag.working_points.passing import passing
from resonaut.tag.working_points.settings import PointJob

TARGET = 0.05


def job(**point) -> PointJob:
    keys = {"network": "net", "efficiency": TARGET, "jets": 1000, **point}
    named = {"name": "two", "wanted": ["light", "heavy"], "background": "qcd"}
    return build(named | {"point": keys, "decays": {"light": ["qq"], "heavy": ["bb"]}}, PointJob, "job")


def mean(mass, pt):
    """The mean of the score's logit, whose width is 1: heavy and hard jets look more like signal."""
    return 0.6 * thresholds.rho(mass, pt) + 2 * np.log(pt / 500)


@pytest.fixture
def write_scored(tmp_path, write_skimmed):
    """A function: manifest of events of one jet with scores of that distribution, of which a tenth trained."""

    def write(name, n, seed, signal=False, **changed):
        rng = np.random.default_rng(seed)
        mass, pt = rng.uniform(40, 300, n), 500 * (1 - rng.random(n)) ** -0.2
        key = {"run": np.ones(n, "i8"), "luminosityBlock": np.full(n, seed), "event": np.arange(n)}
        decay = np.full((n, 2), 5 if signal else 0, "i1")
        jets = {
            "j1_pt": pt.astype("f4"),
            "j1_softdrop_mass": mass.astype("f4"),
            "j1_decay_pdgid": ak.from_regular(decay),
        }
        # What is told of a score is as it is stored, in single precision.
        total = expit(mean(mass.astype("f4"), pt.astype("f4")) + rng.normal(size=n) + 3 * signal)
        shares = {"light": 0.3 * total, "heavy": 0.7 * total, "qcd": 1 - total}
        scores = {f"j1_net_{one}": values.astype("f4") for one, values in shares.items()}
        stored = {**key, **jets, "gen_weight": np.ones(n, "f4")} | changed
        manifest = write_skimmed(tmp_path, name, [[ak.zip(stored, depth_limit=1)]], nature="simulation")
        marked = {**key, **scores, "tag_train": rng.random(n) < 0.1}
        events.write(tmp_path / "tag" / name / "000.parquet", [ak.zip(marked, depth_limit=1)], {})
        return manifest

    return write


@pytest.fixture
def learned(write_scored, tmp_path):
    """A function: the summary and the thresholds' file of a working point with these keys."""

    def make(**point):
        qcd, signal = write_scored("qcd", 30000, 1), write_scored("signal", 2000, 2, signal=True)
        found = tmp_path / "thresholds.json", tmp_path / "summary.json"
        measure(job(**point), [qcd], [signal], *found)
        return read(found[1], WorkingPointSummary), found[0]

    return make


@pytest.mark.parametrize("method", ["trees", "neighbours"])
def test_as_many_qcd_jets_pass_everywhere(learned, method) -> None:
    summary, path = learned(method=method)
    # Nine in ten events have not trained the network.
    assert summary.jets == pytest.approx(27000, abs=300)
    assert summary.efficiency == pytest.approx(TARGET, abs=0.001)
    # The thresholds fluctuate, too; one for all jets is far off.
    assert summary.flatness.chi2 < 3 * summary.flatness.ndf
    assert summary.single.chi2 > 10 * summary.single.ndf
    assert summary.flatness.excess < 0.2 < 0.5 < summary.single.excess
    # The distribution is known, and so is the fraction above each threshold, but for the map's outermost parts.
    rng = np.random.default_rng(5)
    mass, pt = rng.uniform(50, 250, 3000), rng.uniform(510, 700, 3000)
    table = correctionlib.CorrectionSet.from_file(str(path))["threshold"]
    least = np.stack([table.evaluate(fold, thresholds.rho(mass, pt), pt) for fold in (0, 1)])
    above = norm.sf(logit(least) - mean(mass, pt)) / TARGET
    assert np.sqrt(np.mean((above - 1) ** 2)) < 0.3
    assert not np.array_equal(*least)


def test_what_passes_is_told_of_the_classes(learned) -> None:
    summary, _ = learned()
    assert summary.classes["light"] == []
    heavy = summary.classes["heavy"]
    assert len(heavy) == 10
    # The logit of the signal is 3 higher, and the threshold 1.64 above the mean of QCD.
    expected = norm.sf(norm.isf(TARGET) - 3)
    assert np.mean([one.efficiency for one in heavy]) == pytest.approx(expected, abs=0.03)
    assert sum(one.jets for one in heavy) == pytest.approx(1800, abs=60)


def test_the_friend_says_which_jets_pass_by_thresholds_of_the_other_folds(learned, tmp_path) -> None:
    summary, path = learned()
    passing(job(), path, tmp_path / "skim" / "qcd.json", "000", tmp_path / "tag/working_points/two/qcd/000.parquet")
    qcd = events.Dataset.open(tmp_path / "skim" / "qcd.json")
    found = qcd.read(
        ["j1_pass_two", "tag_train", "j1_net_qcd", "j1_pt", "j1_softdrop_mass"], ["tag", "tag/working_points/two"]
    )
    told = found[~found.tag_train]
    assert ak.mean(told.j1_pass_two) == pytest.approx(summary.efficiency, abs=1e-6)
    fold = identifier.folds(identifier.keys(told), 2, 1)
    table = correctionlib.CorrectionSet.from_file(str(path))["threshold"]
    mass, pt = (ak.to_numpy(told[f"j1_{name}"]).astype(float) for name in ("softdrop_mass", "pt"))
    score = 1 - ak.to_numpy(told.j1_net_qcd).astype(float)
    expected = score > table.evaluate(fold, thresholds.rho(mass, pt), pt)
    assert np.mean(expected == ak.to_numpy(told.j1_pass_two)) > 0.9999


def test_flatness_of_cells() -> None:
    found = flatness([0.06, 0.04], [0.01, 0.01], 0.05)
    assert (found.chi2, found.ndf, found.excess) == (pytest.approx(2), 1, pytest.approx(0, abs=1e-9))
    # Twice the error, in all cells: what the errors do not explain is sqrt(3) of them.
    assert flatness([0.07, 0.03], [0.01, 0.01], 0.05).excess == pytest.approx(np.sqrt(3) * 0.01 / 0.05)


def test_too_few_jets_and_negative_weights_are_named(write_scored, tmp_path) -> None:
    few = write_scored("few", 300, 1)
    with pytest.raises(EmptySelectionError, match=r"tag\.working_points\.two: of \d+ QCD jets"):
        measure(job(), [few], [], tmp_path / "a.json", tmp_path / "b.json")
    signed = write_scored("signed", 2000, 1, gen_weight=np.tile([1, -1], 1000).astype("f4"))
    with pytest.raises(ConfigError, match="negative weights"):
        measure(job(), [signed], [], tmp_path / "a.json", tmp_path / "b.json")


@pytest.mark.parametrize("content", [None, "{}", '{"schema_version": 2, "corrections": []}'])
def test_a_file_that_holds_no_thresholds_is_named(tmp_path, content) -> None:
    path = tmp_path / "thresholds.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputFileError, match=r"thresholds\.json.*resonaut tag working-point"):
        thresholds.read(path)


def analysis(points, **changed):
    nature = {"nature": "simulation", "cross_section": 1.0, "format": "nanoaod"}
    section = {"networks": {"net": {"architecture": "particle_net"}}, "working_points": points} | changed
    samples = {"background": ["qcd", "w"], "signal": ["signal"]}
    given = {
        "search": {"stages": ["skim", "tag"], "samples": samples},
        "datasets": dict.fromkeys(["qcd", "w", "signal"], nature),
        "tag": section,
    }
    return Analysis(configuration.validate(given), {})


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"network": "other"}, r"two\.network: no network 'other'; there are net"),
        ({"network": "net", "classes": ["top"]}, r"two\.classes: 'net' has no class 'top'"),
        ({"network": "net", "classes": ["qcd"]}, r"two\.classes: name classes other than 'qcd'"),
    ],
)
def test_a_working_point_without_a_score_is_named_before_the_first_job(point, message) -> None:
    with pytest.raises(ConfigError, match=message):
        plan.check(analysis({"two": point | {"efficiency": 0.05}}))


def test_only_its_own_jobs_read_a_working_point() -> None:
    plain, one, other = (
        analysis({} if value is None else {"two": {"network": "net", "efficiency": value}})
        for value in (None, 0.01, 0.05)
    )
    plan.check(one)
    for command in (("train", "net"), ("score",), ("compare",)):
        assert plan.keys(plain, *command) == plan.keys(one, *command) == plan.keys(other, *command)
    assert plan.keys(one, "working_points", "two") != plan.keys(other, "working_points", "two")
    assert plan.keys(one, "working_points", "two")["wanted"] == ["2prong", "3prong", "4prong"]
    assert plan.GIVES["working_points"](one) == ["<results>/tag/working_points/two/summary.json"]
    assert plan.GIVES["working_points"](plain) == []


def test_the_commands_run(write_scored, tmp_path) -> None:
    qcd = write_scored("qcd", 3000, 1)
    frozen = tmp_path / "job.json"
    keys = {"name": "two", "wanted": ["light", "heavy"], "background": "qcd", "decays": {}}
    frozen.write_text(json.dumps(keys | {"point": {"network": "net", "efficiency": 0.1}}))
    folder = tmp_path / "tag/working_points/two"
    learn = ["working-point", "--config", frozen, "--background", qcd]
    learn += ["--output", folder / "thresholds.json", "--summary", folder / "summary.json"]
    tell = ["passing", "--config", frozen, "--thresholds", folder / "thresholds.json", "--dataset", qcd]
    tell += ["--chunk", "000", "--output", folder / "qcd/000.parquet"]
    for words in (learn, tell):
        done = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
        assert done.exit_code == 0, done.output
    assert read(folder / "summary.json", WorkingPointSummary).efficiency == pytest.approx(0.1, abs=0.002)
