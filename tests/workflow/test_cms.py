"""The worked example for CMS data of 2017, from NanoAOD to limits, and a second year beside it.

Simulated collisions stand in for the experiment's files. They get what the example asks of those: runs of the certified
list, triggers and filters, pile-up and prefiring, and raw momenta that CMS's own tables correct to the stored ones. The
second year has a third of the events, and the same tables.
"""

import json
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
import uproot
import yaml

from resonaut.core.events import Dataset
from resonaut.simulate import nanoaod

ROOT = Path(__file__).parents[2]
TABLES = ROOT.parent / "shared/data/corrections/2017_UL"
EXAMPLE = "config/cms_2017.yaml"
RHO = 20.0
PREFIRING = {"Nom": 0.97, "Up": 0.96, "Dn": 0.98}
# The finished run's collisions in 1/fb, of which one section in ten is not certified.
LUMINOSITY, CERTIFIED = 1.5, 0.9
YEARS = {"2017": 2 / 3, "2018": 1 / 3}
# Names in the example, and what stands in for them.
SOURCES = {"jetht": "data", "qcd": "qcd", "x": "signal_3500"}

pytestmark = [
    pytest.mark.xdist_group("finished"),
    pytest.mark.skipif(not TABLES.is_dir(), reason=f"the experiment's tables are not in {TABLES}"),
]


def read(path: Path) -> dict[str, Any]:
    """The branches of a file's events, those of a collection together."""
    found = uproot.open(path)["Events"].arrays()
    collections = [name[1:] for name in found.fields if name.startswith("n") and f"{name[1:]}_" in str(found.fields)]
    content: dict[str, Any] = {}
    for name in found.fields:
        collection, _, field = name.partition("_")
        if collection in collections:
            content.setdefault(collection, {})[field] = found[name]
        elif name[1:] not in collections:
            content[name] = found[name]
    return {name: ak.zip(one) if isinstance(one, dict) else one for name, one in content.items()}


def raw_factors(jets: ak.Array, campaigns: np.ndarray) -> ak.Array:
    """What the tables of each event's campaign add to the raw momenta, as part of the stored ones."""
    tables = correctionlib.CorrectionSet.from_file(str(TABLES / "fatJet_jerc.json.gz")).compound
    pt, eta, area = (ak.to_numpy(ak.flatten(jets[name])).astype(float) for name in ("pt", "eta", "area"))
    of_jet, raw = np.repeat(campaigns, ak.to_numpy(ak.num(jets))), pt.copy()
    for campaign in np.unique(campaigns):
        mine = of_jet == campaign
        for _ in range(20):
            factor = tables[f"{campaign}_L1L2L3Res_AK8PFPuppi"].evaluate(area[mine], eta[mine], raw[mine], RHO)
            raw[mine] = pt[mine] / factor
    return ak.unflatten((1 - raw / pt).astype(np.float32), ak.num(jets))


def recorded(source: Path, simulated: bool, era: dict[str, Any]) -> dict[str, Any]:
    """Simulated events as the experiment would have them."""
    events, rng = read(source), np.random.default_rng(1)
    number = len(events["run"])
    campaigns = np.full(number, "Summer19UL17_V5_MC")
    if not simulated:
        # A certified run of each period that has corrections of its own.
        certified = json.loads(next(TABLES.glob("Cert_*.txt")).read_text())
        runs = {
            campaign: next(run for run in map(int, certified) if first <= run <= last)
            for campaign, (first, last) in era["corrections"]["data"]["large_jet"]["scale"].items()
        }
        campaigns = rng.choice(list(runs), number)
        events["run"] = np.array([runs[campaign] for campaign in campaigns], np.uint32)
        section = [certified[str(run)][0][0] for run in events["run"]]
        events["luminosityBlock"] = np.where(rng.random(number) < CERTIFIED, section, 100000).astype(np.uint32)
    events["FatJet"] = ak.with_field(events["FatJet"], raw_factors(events["FatJet"], campaigns), "rawFactor")
    events["fixedGridRhoFastjetAll"] = np.full(number, RHO, np.float32)
    events["HLT_PFHT1050"] = events["HLT_AK8PFJet500"]
    events |= dict.fromkeys(era["met_filters"], events["Flag_METFilters"])
    if simulated:
        events["Pileup_nTrueInt"] = rng.uniform(10, 50, number).astype(np.float32)
        events |= {f"L1PreFiringWeight_{way}": np.full(number, value, np.float32) for way, value in PREFIRING.items()}
        events["PSWeight"] = ak.from_regular(ak.Array(rng.uniform(0.8, 1.2, (number, 4)).astype(np.float32)))
    return events


def write_years(source: Path, folder: Path, name: str, era: dict[str, Any]) -> dict[str, str]:
    """A file of each year; returns their names."""
    events = recorded(source, name != "jetht", era)
    late = np.arange(len(events["run"])) % 3 == 0
    runs = {key: np.asarray(values) for key, values in uproot.open(source)["Runs"].arrays().to_list()[0].items()}
    found = {}
    for (year, part), mine in zip(YEARS.items(), (~late, late), strict=True):
        found[year] = str(folder / f"{name}_{year}_{source.name}")
        counters = {key: np.array([value * (1 if key == "run" else part)]) for key, value in runs.items()}
        nanoaod.write(Path(found[year]), {key: values[mine] for key, values in events.items()}, counters)
    return found


def example_with(files: dict[str, dict[str, list[str]]], era: dict[str, Any]) -> dict[str, Any]:
    """What the example needs beside itself: the files by name and year, and sizes that suit them."""
    signal = {"nature": "simulation", "mass": 3500, "cross_section": 1}
    known = {"jetht": {"nature": "data"}, "qcd": {"nature": "simulation", "cross_section": 2700}, "x": signal}
    datasets: dict[str, Any] = {
        f"{name}_{year}": entry | {"era": year, "files": files[name][year]}
        for name, entry in known.items()
        for year in YEARS
    }
    for year, part in YEARS.items():
        datasets[f"jetht_{year}"]["luminosity"] = LUMINOSITY * CERTIFIED * part
    datasets["x"] = {"nature": "simulation", "combine": [f"x_{year}" for year in YEARS]}
    samples = {"data": [f"jetht_{year}" for year in YEARS], "background": [f"qcd_{year}" for year in YEARS]}
    trees = {"max_iterations": 20, "min_leaf_events": 20, "validation_parts": 2}
    return {
        # Outside of the results of the finished run, which other tests compare.
        "pathvars": {"results": "recorded/results", "logs": "recorded/logs"},
        "search": {"samples": samples | {"signal": ["x"]}},
        "datasets": datasets,
        "skim": {"eras": {"2018": era}},
        "select": {
            "windows": {"w3500": {"signal_region": [3250, 3750], "sidebands": [[3000, 3250], [3750, 4250]]}},
            "min_events": 20,
            "background_efficiency": 0.1,
            "classifier": {"folds": 2, "trees": trees},
        },
        "fit": {"masses": [3500], "signals": ["x"], "bin_width": 20, "toys": 100},
    }


@pytest.fixture(scope="module")
def results(finished) -> Path:
    """The results of the example on the finished run's collisions."""
    shared = finished.path.parent / "shared"
    if not shared.exists():
        shared.symlink_to(TABLES.parents[2])
    era = yaml.safe_load((finished.path / EXAMPLE).read_text())["skim"]["eras"]["2017"]
    files: dict[str, dict[str, list[str]]] = {name: {year: [] for year in YEARS} for name in SOURCES}
    for name, source in SOURCES.items():
        for path in sorted((finished.path / "results/simulate" / source).glob("*.root")):
            for year, file in write_years(path, finished.path / "recorded", name, era).items():
                files[name][year].append(file)
    overlay = finished.path / "recorded.yaml"
    overlay.write_text(yaml.safe_dump(example_with(files, era)))
    run = finished.snakemake("--configfile", EXAMPLE, overlay.name)
    assert run.returncode == 0, run.stdout + run.stderr
    return finished.path / "recorded/results"


def content(results: Path, name: str) -> Any:
    return json.loads((results / name).read_text())


def test_the_example_gives_limits_and_a_report(results) -> None:
    (inclusive,) = (row for row in content(results, "report/summary.json")["points"] if row["selection"] == "inclusive")
    assert 0 < inclusive["limit_expected"] < 1000
    assert 0 < inclusive["limit_observed"] < 1000
    assert (results / "report/front_page.html").stat().st_size > 10000


def test_data_are_certified_and_vetoed(results) -> None:
    flow = {row["cut"]: row["events"] for row in content(results, "skim/jetht_2017.json")["cutflow"]}
    assert flow["certified"] / flow["stored"] == pytest.approx(CERTIFIED, abs=0.03)
    assert 0 < flow["jet_veto"] < flow["met_filters"]


def test_a_combined_signal_moves_by_source_and_by_year(results) -> None:
    """A source of its own in each year moves that year's part; the others move both, by their luminosities."""
    whole, parts = (
        Dataset.open(results / "skim/x.json"),
        [Dataset.open(results / f"skim/x_{year}.json") for year in YEARS],
    )
    sources = {name.removesuffix("_up") for name in whole.manifest.variations if name.endswith("_up")}
    assert {"jer_2017", "jer_2018", "jes_absolute", "jms"} <= sources
    plain = ak.to_numpy(whole.read(["m_jj"]).m_jj)
    years = np.repeat(list(YEARS), [part.manifest.events for part in parts])
    for source, moved in {"jer_2017": {"2017"}, "jer_2018": {"2018"}, "jes_absolute": set(YEARS)}.items():
        shifted = ak.to_numpy(ak.concatenate(list(whole.iterate(["m_jj"], (), f"{source}_up"))).m_jj)
        assert set(years[shifted != plain]) == moved
    (signal,) = content(results, "select/inclusive/w3500.json")["signals"]
    weights, others = [], ("weight_prefiring",)
    for part, share in zip(parts, YEARS.values(), strict=True):
        events = part.read(["weight", "weight_pileup", "weight_pileup_up", *others])
        base = share * events.weight * events.weight_prefiring
        weights.append([ak.sum(base * events.weight_pileup), ak.sum(base * events.weight_pileup_up)])
    nominal, up = np.sum(weights, axis=0)
    assert signal["weights"]["pileup"]["uncertainties"]["pileup"][0] == pytest.approx(up / nominal - 1)
    nuisances = content(results, "fit/inclusive/w3500.json")["scan"][0]["nuisances"]
    assert nuisances["pileup"]["size"] == pytest.approx(
        max(map(abs, signal["weights"]["pileup"]["uncertainties"]["pileup"]))
    )
