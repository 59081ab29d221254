"""Configurations: values that switch protections off, contradictions, names that are commands, odd files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from commands import SMALL, dry_run, fine, load, merged, snakemake, text
from fault import Kind, Try
from inputs import nano, runs, write_nano

kind = Kind("configuration")
fault = kind.fault
names = Kind("names and folders")


def nested(path: str, value: Any) -> dict[str, Any]:
    """``a.b.c`` as mappings."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def last(path: str) -> tuple[str, ...]:
    """A sentence names the whole path or at least the key."""
    return (path, path.rpartition(".")[2])


# --- values that no key can have ----------------------------------------------------------------------------------

NUMBERS = [
    "datasets.data.luminosity", "skim.regions.dijet.m_jj_min", "skim.regions.dijet.pt_min",
    "skim.bad_files.max_lost_fraction", "fit.background.f_test", "fit.background.shrink.min_p_smooth",
    "fit.background.shrink.min_p_background", "fit.background.shrink.min_p_signal", "fit.uncertainties.scale",
    "fit.max_efficiency_error", "fit.confidence_level", "fit.bin_width", "fit.sqrt_s", "fit.signal_width",
    "fit.reference_signal", "select.background_efficiency", "select.min_events", "fit.seed", "fit.toys",
]  # fmt: skip


@fault(path=NUMBERS, value={"NaN": float("nan"), "infinite": float("inf"), "empty": None})
def no_number(path: str, value: float | None) -> Try:
    return dry_run(nested(path, value), right=fine if (path, value) in NULL else None, refused=last(path))


# Where null means something.
NULL = [("skim.regions.dijet.m_jj_min", None), ("datasets.data.luminosity", None)]


@fault(path=NUMBERS[::2], value=["-1", "many", True, [5]])
def wrong_type(path: str, value: Any) -> Try:
    return dry_run(nested(path, value), right=None, refused=last(path))


LISTS = [
    "fit.masses", "fit.range", "fit.bump_widths", "fit.background.shape_parameters", "select.windows",
    "select.methods", "search.stages", "search.samples.data", "datasets.data.files", "datasets", "fit", "skim",
]  # fmt: skip


@fault(path=LISTS, value={"NaN": [float("nan")], "empty": None, "text": "x", "number": 5, "nested": [[[1]]]})
def no_list(path: str, value: Any) -> Try:
    # An empty section has the defaults in YAML's own reading; that would be right, too.
    right = fine if value is None and path in ("fit", "skim") else None
    return dry_run(nested(path, value), right=right, refused=(*last(path), "search.samples"))


SEEDS: list[Any] = [2**63, 2**64, -1, 1.5, 1e30, "one", None, float("nan")]


@fault(path=["fit.seed", "select.seed", "datasets.data.generator.seed", "reweight.seed"], seed=SEEDS)
def seed(path: str, seed: Any) -> Try:
    overlay = nested(path, seed)
    if "generator" in path:
        generator = {"seed": seed, "components": [{"process": "qcd", "events": 10}]}
        overlay = {
            "datasets": {"data": {"files": [], "generator": generator}},
            "search": {"stages": ["simulate", "skim"]},
        }
    return dry_run(overlay, right=None, refused=last(path))


@fault(luminosity=["138 /fb", "138/fb", "0.138 /ab", "138000 /pb", "138 fb^-1"])
def luminosity_with_a_unit(luminosity: str) -> Try:
    return dry_run({"datasets": {"data": {"luminosity": luminosity}}}, right=fine, refused="luminosity")


@fault(luminosity=[138000, 1e9, 0, -138, "138 parsec", "138 /fb /fb", "", "/fb", "1e400"])
def implausible_luminosity(luminosity: Any) -> Try:
    return dry_run({"datasets": {"data": {"luminosity": luminosity}}}, right=None, refused="luminosity")


@fault(
    path=[
        "datasets.signal_3500.cross_section",
        "datasets.signal_3500.mass",
        "fit.sqrt_s",
        "skim.regions.dijet.m_jj_min",
    ],
    value=["5 parsec", "5 /fb /fb", "3.5 lightyears", ""],
)
def unknown_unit(path: str, value: str) -> Try:
    return dry_run(nested(path, value), right=None, refused=last(path))


# --- contradictions -----------------------------------------------------------------------------------------------

WINDOW = {"signal_region": [3300, 3700], "sidebands": [[3000, 3300], [3700, 4300]]}
WINDOWS = {
    "region upside down": WINDOW | {"signal_region": [3700, 3300]},
    "region empty": WINDOW | {"signal_region": [3300, 3300]},
    "sideband upside down": WINDOW | {"sidebands": [[3300, 3000], [3700, 4300]]},
    "sideband in the region": WINDOW | {"sidebands": [[3000, 3500], [3700, 4300]]},
    "sidebands overlap": WINDOW | {"sidebands": [[3000, 3300], [3100, 3300]]},
    "sidebands twice": WINDOW | {"sidebands": [[3000, 3300], [3000, 3300]]},
    "no sidebands": WINDOW | {"sidebands": []},
    "one number": WINDOW | {"signal_region": [3300]},
    "three numbers": WINDOW | {"signal_region": [3300, 3400, 3500]},
    "negative": WINDOW | {"signal_region": [-3300, 3700]},
    "NaN": WINDOW | {"signal_region": [float("nan"), 3700]},
    "infinite": WINDOW | {"sidebands": [[3000, 3300], [3700, float("inf")]]},
    "null": WINDOW | {"signal_region": None},
    "text": WINDOW | {"signal_region": "3300-3700"},
    "no region": {"sidebands": [[3000, 3300]]},
    "TeV": {"signal_region": [3.3, 3.7], "sidebands": [[3.0, 3.3], [3.7, 4.3]]},
}


@fault(window=WINDOWS)
def window(window: Mapping[str, Any]) -> Try:
    overlay = {"select": {"windows": {"w": window}}, "fit": {"masses": [3500]}}
    return dry_run(overlay, right=None, refused=("select.windows.w", "windows", "fit.masses"))


def generated(component: Mapping[str, Any], **generator: Any) -> dict[str, Any]:
    """Generated data of one component."""
    return SIMULATED | {"datasets.data.generator": generator | {"components": [component] if component else []}}


SIMULATED = {"search.stages": ["simulate", "skim"], "datasets.data.files": []}
QCD = {"process": "qcd", "events": 5}
BACKGROUND = {"nature": "simulation", "files": ["b.root"], "cross_section": 1}
SIGNAL = {"nature": "simulation", "files": ["b.root"], "cross_section": 1, "mass": 3500}
FILES_OF_DATA = "datasets.data.files"

# Values by their paths, and the words of which a sentence must hold one.
CONTRADICTIONS: dict[str, tuple[dict[Any, Any], Any]] = {
    "mass in no window": ({"fit.masses": [3500, 9000]}, "masses"),
    "mass beyond the range": ({"fit.range": [3000, 3400], "fit.masses": [3500]}, ("masses", "range")),
    "masses twice": ({"fit.masses": [3500, 3500]}, "masses"),
    "no masses": ({"fit.masses": []}, "masses"),
    "mass 0": ({"fit.masses": [0]}, "masses"),
    "range upside down": ({"fit.range": [8000, 3000]}, "range"),
    "range empty": ({"fit.range": [3000, 3000]}, "range"),
    "range beyond sqrt_s": ({"fit.range": [3000, 14000]}, ("range", "sqrt_s")),
    "bin_width does not divide the range": ({"fit.bin_width": 7}, "bin_width"),
    "bin_width beyond the range": ({"fit.bin_width": 6000}, "bin_width"),
    "bin_width of no spectrum bins": ({"fit.bin_width": 0.3}, "bin_width"),
    "sqrt_s in TeV": ({"fit.sqrt_s": 13}, "sqrt_s"),
    "shape parameters upside down": ({"fit.background.shape_parameters": [5, 2]}, "shape_parameters"),
    "bump widths upside down": ({"fit.bump_widths": [6, 2]}, "bump_widths"),
    "limit checks of no mass": ({"fit.limit_checks.masses": [1234]}, "limit_checks"),
    "bias of no mass": ({"fit.bias.masses": [1234]}, "bias"),
    "region unknown": ({"datasets.data.region": "dijets"}, "region"),
    "region null": ({"datasets.data.region": None}, "region"),
    "softdrop upside down": ({"skim.regions.dijet.softdrop_mass": [110, 70]}, "softdrop_mass"),
    "one jet with a pair's cut": ({"skim.regions.dijet": {"jets": 1, "m_jj_min": 2900}}, "dijet"),
    "m_jj_min inside a window": ({"skim.regions.dijet.m_jj_min": 3200}, ("skim.regions.dijet", "range", "window")),
    "method unknown": ({"select.methods": ["magic"]}, "magic"),
    "method twice": ({"select.methods": ["inclusive", "inclusive"]}, "methods"),
    "no methods": ({"select.methods": []}, "methods"),
    "feature unknown": ({"select.methods": ["cwola"], "select.features": ["j1_magic"]}, "j1_magic"),
    "features twice": ({"select.methods": ["cwola"], "select.features": ["j1_mass", "j1_mass"]}, "features"),
    "no features": ({"select.methods": ["cwola"], "select.features": []}, "features"),
    "stage unknown": ({"search.stages": ["skim", "magic"]}, "stages"),
    "stage twice": ({"search.stages": ["skim", "skim"]}, "stages"),
    "no stages": ({"search.stages": []}, "stages"),
    "stage without the one before": ({"search.stages": ["fit"]}, ("stages", "skim", "select")),
    "dataset unknown": ({"search.samples.data": ["data", "none"]}, "none"),
    "dataset twice": ({"search.samples.data": ["data", "data"]}, "samples"),
    "no datasets": ({"search.samples.data": []}, "samples"),
    "signal unknown": ({"fit.signals": ["signal_9"]}, "signal_9"),
    "signal not in the search": ({"fit.signals": ["signal_3500"]}, "signal_3500"),
    "signal that is data": ({"fit.signals": ["data"]}, "signals"),
    "injected signal unknown": ({"select.injection": {"signals": ["x"], "amounts": [5]}}, "injection"),
    "injected amounts NaN": ({"select.injection.amounts": [float("nan")]}, "amounts"),
    "injected amounts negative": ({"select.injection.amounts": [-5]}, "amounts"),
    "combination of nothing": ({"select.methods": ["both"], "select.combinations.both.methods": []}, "both"),
    "combination of itself": ({"select.methods": ["both"], "select.combinations.both.methods": ["both"]}, "both"),
    "combination named as a method": ({"select.combinations.cwola.methods": ["inclusive"]}, "cwola"),
    "network unknown": (
        {"search.stages": ["skim", "tag", "select"], "select.methods": ["tagger"], "select.tagger.network": "none"},
        ("tagger", "network", "stage", "'tag'"),
    ),
    "files and generator": ({"datasets.data.generator.components": [QCD]}, ("files", "generator")),
    "neither files nor generator": ({FILES_OF_DATA: []}, ("files", "generator")),
    "generated without simulate": (generated(QCD) | {"search.stages": ["skim"]}, ("simulate", "stages")),
    "process unknown": (generated({"process": "magic", "events": 5}), "process"),
    "tune unknown": (generated(QCD, tune="magic"), "tune"),
    "component without a number": (generated({"process": "qcd"}), ("events", "cross_section")),
    "component with both numbers": (generated(QCD | {"cross_section": 5}), ("events", "cross_section")),
    "no components": (generated({}), "components"),
    "resonance without a mass": (generated({"process": "x_to_yy", "events": 5}), "mass"),
    "limits in fb without luminosity": (
        {
            "search.samples.signal": ["s"],
            "datasets.s": SIGNAL,
            "fit.signals": ["s"],
            "datasets.data.luminosity": None,
        },
        "luminosity",
    ),
    "two data datasets without an era": (
        {
            "search.samples.data": ["data", "more"],
            "datasets.more": {"nature": "data", "files": ["b.root"], "luminosity": 1},
        },
        ("data", "more"),
    ),
    "no data": ({"search.samples": {"data": [], "background": ["b"]}, "datasets.b": BACKGROUND}, "data"),
    "background without a cross section": (
        {"search.samples.background": ["b"], "datasets.b": BACKGROUND | {"cross_section": None}},
        "cross_section",
    ),
    "nature unknown": ({"datasets.data.nature": "Data"}, "nature"),
    "role": ({"datasets.data.role": "data"}, "nature"),
    "format unknown": ({"datasets.data.format": "delphes"}, "format"),
    "labelled NanoAOD": ({"datasets.data.labelled": {"signal": [0, 5]}}, "labelled"),
    "labels upside down": (
        {"datasets.data": {"format": "lhco_features", "region": "lhco", "labelled": {"signal": [9, 5]}}},
        "labelled",
    ),
    "file missing": ({FILES_OF_DATA: ["none.root"]}, "none.root"),
    "pattern without a file": ({FILES_OF_DATA: ["none/*.root"]}, "none/*.root"),
    "pattern empty": ({FILES_OF_DATA: [""]}, "files"),
    "file twice": ({FILES_OF_DATA: ["a.root", "a.root"]}, "a.root"),
    "file and pattern": ({FILES_OF_DATA: ["a.root", "a*.root"]}, "a.root"),
    "file by another path": ({FILES_OF_DATA: ["a.root", "./a.root", "../work/a.root"]}, "a.root"),
    "file in two datasets": (
        {
            "search.samples.data": ["data", "b"],
            "datasets.b": {"nature": "data", "files": ["a.root"], "luminosity": 20},
        },
        ("a.root", "data"),
    ),
    "folder as file": ({FILES_OF_DATA: ["src"]}, "src"),
    "files_per_chunk 0": ({"datasets.data.files_per_chunk": 0}, "files_per_chunk"),
    "unknown key at the top": ({"serach": {}}, "serach"),
    "unknown key": ({"fit.bin_widht": 4}, "bin_widht"),
    "unknown key of a dataset": ({"datasets.data.file": ["a.root"]}, "file"),
    "number as key": ({"datasets": {5: {"nature": "data"}}}, "5"),
    "true as key": ({True: 5}, "True"),
    "null as key": ({"fit": {None: 5}}, "None"),
}


def chosen(objects: Mapping[str, Any], **region: Any) -> dict[str, Any]:
    """A region of leptons and no large-radius jets, which the data are in."""
    return {"skim.regions.r": {"jets": 0, "objects": objects} | region, "datasets.data.region": "r"}


def in_an_era(**era: Any) -> dict[str, Any]:
    """Data of one era."""
    return {"skim.eras.e": era, "datasets.data.era": "e"}


def scaled(scale: Mapping[str, list[int]]) -> dict[str, Any]:
    """Data whose jets are corrected by run."""
    large = {"file": "b.root", "algorithm": "AK8", "scale": scale}
    return in_an_era(corrections={"data": {"large_jet": large}})


MUON = {"number": [2, None], "keep": 2}
MUONS = chosen({"muon": MUON})
SIDES = {"signal_region": [85, 95], "sidebands": [[75, 85], [95, 105]]}
M_LL = {"range": [70, 110], "bin_width": 1, "masses": [91]}


def searched(column: str, **section: Any) -> dict[str, Any]:
    """A window in an observable, and nothing in m_jj."""
    window = SIDES | {"observable": column}
    spectrum = {"low": 60, "high": 120, "width": 0.5}
    return {"select.windows": {"w": window}, f"select.observables.{column}.spectrum": spectrum} | section


OBJECTS: dict[str, tuple[dict[Any, Any], Any]] = {
    "object of an unknown name": (chosen({"gluon": {}}), "gluon"),
    "object of nothing": (chosen({"muon": {"from": "nothing"}}), ("muon", "nothing")),
    "object of itself": (chosen({"muon": {"from": "muon"}}), "muon"),
    "objects of each other": (chosen({"a": {"from": "b"}, "b": {"from": "a"}}), "skim.regions.r.objects"),
    "object with an unknown key": (chosen({"muon": {"ptmin": 5}}), "ptmin"),
    "object's number upside down": (chosen({"muon": {"number": [2, 1]}}), "number"),
    "object's number negative": (chosen({"muon": {"number": [-1, 2]}}), "number"),
    "object's number true": (chosen({"muon": {"number": [True, 2]}}), "number"),
    "object's range upside down": (chosen({"muon": {"where": {"charge": [1, -1]}}}), "where"),
    "object apart from an unknown one": (chosen({"muon": {"apart": {"jet": 0.4}}}), "jet"),
    "object apart from itself": (chosen({"muon": {"apart": {"muon": 0.4}}}), "muon"),
    "object apart by 0": (chosen({"muon": {"apart": {"large_jet": 0}}}), "apart"),
    "object's fields twice": (chosen({"muon": {"keep": 1, "fields": ["dxy", "dxy"]}}), "fields"),
    "fields of an object that is not kept": (chosen({"muon": {"fields": ["dxy"]}}), "fields"),
    "number of jets true": ({"skim.regions.dijet.jets": True}, "jets"),
    "three jets": ({"skim.regions.dijet.jets": 3}, "jets"),
    "observable unknown": (chosen({"muon": MUON}, observables=["m_magic"]), "m_magic"),
    "observable of objects that are not there": (chosen({"muon": MUON}, observables=["m_bb"]), ("m_bb", "b_jet")),
    "observable of too few objects": (chosen({"muon": {}}, observables=["m_ll"]), ("m_ll", "muon")),
    "observables twice": (chosen({"muon": MUON}, observables=["m_ll", "m_ll"]), "observables"),
    "cut on an unknown observable": (chosen({"muon": MUON}, cuts={"m_magic": [5, None]}), "m_magic"),
    "cut upside down": (chosen({"muon": MUON}, cuts={"m_ll": [111, 71]}), "m_ll"),
    "cut of one number": (chosen({"muon": MUON}, cuts={"m_ll": [71]}), "m_ll"),
    "cut on the number of no object": (chosen({"muon": MUON}, cuts={"n_tau": [1, None]}), "n_tau"),
    "combined of itself": (
        {"datasets.s": {"nature": "simulation", "combine": ["s"]}, "search.samples.signal": ["s"]},
        "combine",
    ),
    "window in m_jj without jets": (MUONS, "m_jj"),
    "era unknown": ({"datasets.data.era": "2099", "skim.eras.e": {}}, "2099"),
    "era with an unknown key": (in_an_era(triggers=["HLT_A"]), "triggers"),
    "era without its certified file": (in_an_era(certified="none.json"), "none.json"),
    "era without its prescales": (in_an_era(trigger=["HLT_A"], prescales="none.csv"), "none.csv"),
    "prescales without a trigger": (in_an_era(trigger=[], prescales="b.root"), ("prescales", "trigger")),
    "correction unknown": (in_an_era(corrections={"data": {"magic": {}}}), "magic"),
    "correction of simulation for data": (in_an_era(corrections={"data": {"pileup": {"file": "b.root"}}}), "pileup"),
    "correction without its file": (
        in_an_era(corrections={"data": {"jet_veto": {"file": "none.json.gz"}}}),
        "none.json.gz",
    ),
    "scale of no runs": (scaled({}), "scale"),
    "scale's runs upside down": (scaled({"A": [5, 1]}), "scale"),
    "scales of one run": (scaled({"A": [1, 5], "B": [3, 9]}), "scale"),
    "correction without a file": (in_an_era(corrections={"data": {"jet_veto": {}}}), ("jet_veto", "file")),
    "window in a column that is not kept": (
        MUONS | searched("m_ll", **{"fit.observables.m_ll": M_LL, "fit.masses": []}),
        "m_ll",
    ),
    "observable without a spectrum": ({"select.windows": {"w": SIDES | {"observable": "m_jet"}}}, "m_jet"),
    "observable without a fit": (searched("j1_softdrop_mass"), "j1_softdrop_mass"),
    "keys of m_jj in a second place": ({"fit.observables.m_jj": M_LL}, "m_jj"),
    "spectrum of an unknown column": (
        {"select.windows.w": WINDOW | {"spectra": {"magic": {"low": 0, "high": 1, "width": 0.1}}}},
        "magic",
    ),
    "spectrum upside down": (
        {"select.windows.w": WINDOW | {"spectra": {"j1_mass": {"low": 1, "high": 0, "width": 0.1}}}},
        ("j1_mass", "spectra"),
    ),
}


@fault(case=CONTRADICTIONS | OBJECTS)
def contradiction(case: tuple[Mapping[Any, Any], Any]) -> Try:
    values, named = case
    text("b.root", "")
    overlay: dict[Any, Any] = {}
    for path, value in values.items():
        overlay = merged(overlay, nested(path, value) if isinstance(path, str) else {path: value})
    return dry_run(overlay, right=None, refused=named)


@fault()
def two_signals_of_one_mass() -> Try:
    datasets = {"s1": SIGNAL, "s2": SIGNAL | {"files": ["c.root"]}}
    text("c.root", "")
    text("b.root", "")
    search = {"samples": {"signal": ["s1", "s2"]}}
    overlay = {"search": search, "datasets": datasets, "fit": {"signals": ["s1", "s2"]}}
    return dry_run(overlay, right=None, refused="signals")


@fault()
def users_files_over_the_demos_generator() -> Try:
    """The overlay of a user who names files and does not know that the demo generates its data."""
    write_nano("a.root", nano())
    content = yaml.safe_dump(
        {
            "search": {
                "stages": ["skim"],
                "samples": {"data": ["data"], "pseudo_data": [], "background": [], "signal": []},
            },
            "datasets": {"data": {"files": ["a.root"], "luminosity": 59.8}},
        }
    )
    return snakemake(content, "--dry-run", "--quiet", "rules", right=None, refused=("generator", "files"))


# --- files that are no configuration ------------------------------------------------------------------------------

VALID = yaml.safe_dump(SMALL)
FILES = {
    "empty": "",
    "comment": "# nothing\n",
    "list": "[1, 2]",
    "number": "5",
    "text": "just words",
    "null": "null",
    "broken": "fit: {toys: 5",
    "tab": VALID + "report:\n\tlabel: x\n",
    "two documents": VALID + "---\n" + VALID,
    "key twice": VALID + "fit: {toys: 5}\n",
    "key twice deeper": VALID.replace("fit:", "fit:\n  toys: 5\n  toys: 6"),
    "key twice in braces": VALID + "report: {label: a, label: b}\n",
    "latin-1": (VALID + "report: {label: été}\n").encode("latin-1"),
    "UTF-16": VALID.encode("utf-16"),
    "NUL": VALID + "report: {label: 'a\0b'}\n",
    "binary": bytes(range(256)),
    "python object": VALID + "report: !!python/object/apply:os.system ['touch OWNED']\n",
    "python name": VALID + "report: {label: !!python/name:os.system }\n",
    "unknown tag": VALID + "report: !whatever {label: x}\n",
    "alias of nothing": VALID + "report: *nothing\n",
    "alias of itself": VALID + "report: &a {label: *a}\n",
    "HTML": "<html><body>404</body></html>",
    "control character": VALID + 'report: {label: "a\\x07b"}\n',
    "number with underscores": VALID.replace("luminosity: 20", "luminosity: 1_3_8_0_0_0"),
    "octal": VALID.replace("luminosity: 20", "luminosity: 0777777"),
    "sexagesimal": VALID.replace("luminosity: 20", "luminosity: 138:30:59"),
    "date": VALID.replace("luminosity: 20", "luminosity: 2020-01-01"),
    "yes": VALID.replace("luminosity: 20", "luminosity: yes"),
}


@fault(content=FILES)
def odd_file(content: str | bytes) -> Try:
    named = ("overlay.yaml", "onfig file", "report", "luminosity", "toys", "label", "datasets.data", "generator")
    return dry_run(content, right=None, refused=named)


@fault(path=["none.yaml", "folder", "overlay.txt", "/dev/null", "loop.yaml"])
def no_such_file(path: str) -> Try:
    Path("folder").mkdir()
    text("overlay.txt", "words")
    Path("loop.yaml").symlink_to("loop.yaml")
    attempt = dry_run({}, right=None, refused=(path, "onfig file"))
    commands = [[path if word == "overlay.yaml" else word for word in c] for c in attempt.commands]
    return Try(commands, attempt.right, attempt.refused, limit=60)


# --- names that are commands, and folders -------------------------------------------------------------------------

HOSTILE = {
    "command": "x;touch OWNED;",
    "substitution": "$(touch OWNED)",
    "backticks": "`touch OWNED`",
    "pipe": "x|touch OWNED",
    "newline": "x\ntouch OWNED\n",
    "and": "x&&touch OWNED",
    "redirection": "x>OWNED",
    "up": "../up",
    "absolute": "/tmp/faults-up",
    "blank": "a b",
    "leading dash": "-x",
    "braces": "{chunk}",
    "empty": "",
    "dot": ".",
    "dots": "..",
    "quote": "a'b",
    "double quote": 'a"b',
    "accent": "été",
    "slash": "a/b",
    "star": "*",
    "long": "x" * 300,
    "NUL": "a\0b",
}


@names.fault(what=["datasets", "windows", "combinations", "regions", "networks"], name=HOSTILE)
def hostile_name(what: str, name: str) -> Try:
    """A name that becomes a file or an option: it works as what it is, or is refused; it never runs."""
    write_nano("a.root", nano())
    data = {"nature": "data", "generator": None, "files": ["a.root"], "luminosity": 20}
    skim = {"regions": {"dijet": {"m_jj_min": None}}}
    if what == "datasets":
        overlay = {"search": {"stages": ["skim"], "samples": {"data": [name]}}, "datasets": {name: data}, "skim": skim}
    elif what == "regions":
        skim = {"regions": {name: {"m_jj_min": None}}}
        overlay = {"search": {"stages": ["skim"]}, "datasets": {"data": {"region": name}}, "skim": skim}
    elif what == "windows":
        overlay = {"search": {"stages": ["skim", "select"]}, "skim": skim, "select": {"windows": {name: WINDOW}}}
    elif what == "combinations":
        combined = {"methods": ["inclusive", name], "combinations": {name: {"methods": ["inclusive"]}}}
        overlay = {"search": {"stages": ["skim", "select"]}, "skim": skim, "select": combined}
    else:
        overlay = {
            "search": {"stages": ["skim", "tag"]},
            "skim": skim,
            "tag": {"networks": {name: {"architecture": "particle_net"}}},
        }
    real = what in ("datasets", "regions") and name in (
        HOSTILE["command"],
        HOSTILE["up"],
        HOSTILE["blank"],
        HOSTILE["substitution"],
        HOSTILE["newline"],
    )
    arguments = () if real else ("--dry-run", "--quiet", "rules")
    named = (what, name.splitlines()[0] if name else what, repr(name), "search.samples", "methods")
    right = None if what != "regions" and name in (HOSTILE["up"], HOSTILE["absolute"], HOSTILE["dots"]) else fine
    return snakemake(overlay, *arguments, right=right, refused=named)


FOLDERS = {
    "blank": "my results",
    "accent": "résultats",
    "quote": "my'results",
    "double quote": 'my"results',
    "command": "x;touch OWNED;",
    "substitution": "$(touch OWNED)",
    "percent": "50%s",
    "star": "a*",
    "hash": "a#b",
    "backslash": "a\\b",
    "braces": "{a}",
    "leading dash": "-r",
    "nested": "a/b c/d",
    "deep": "/".join(["x" * 50] * 4),
    "newline": "a\nb",
    "empty": "",
    "null": None,
    "number": 5,
    "the source": "src",
    "a file": "Snakefile",
}


@names.fault(folder=["results", "logs"], name=FOLDERS)
def folder(folder: str, name: str | None) -> Try:
    """Folders with odd names work, or are refused before the first job."""
    write_nano("a.root", nano())
    overlay = {
        "pathvars": {folder: name},
        "search": {"stages": ["skim"]},
        "skim": {"regions": {"dijet": {"m_jj_min": None}}},
    }
    results = name if folder == "results" else "results"
    # Quoted values are one kind: a few run, the others are planned only.
    real = folder == "results" and name in (
        FOLDERS["blank"],
        FOLDERS["quote"],
        FOLDERS["command"],
        FOLDERS["substitution"],
        FOLDERS["accent"],
    )
    real |= folder == "logs" and name == FOLDERS["command"]
    writes = (
        f"{str(name).replace('[', '[[]')}/*" if name else "results/*",
        "results/*",
        "logs/*",
        *(("a[*]/*",) if name == "a*" else ()),
    )

    def found() -> str | None:
        content = load(f"{results}/skim/data.json")["events"]
        return None if content == 200 else f"{content} events"

    arguments = () if real else ("--dry-run", "--quiet", "rules")
    strict = name in (FOLDERS["newline"], FOLDERS["empty"], None, 5)
    right = None if strict else found if real else fine
    return snakemake(
        overlay, *arguments, right=right, refused=(folder, f"pathvars.{folder}", repr(name)), writes=writes
    )


@names.fault(name=["my data", "été", "a'b", "$(touch OWNED)", "x;touch OWNED;", "a{b}c"])
def folder_of_the_input(name: str) -> Try:
    Path(name).mkdir()
    write_nano(f"{name}/a.root", nano())
    overlay = {
        "datasets": {"data": {"files": [f"{name}/*.root"]}},
        "search": {"stages": ["skim"]},
        "skim": {"regions": {"dijet": {"m_jj_min": None}}},
    }
    return snakemake(overlay, right=events_of_data, refused=(name,) if "{" in name or "é" in name else ())


def events_of_data() -> str | None:
    found = load("results/skim/data.json")["events"]
    return None if found == 200 else f"{found} events"


# --- whole runs ---------------------------------------------------------------------------------------------------


@fault()
def files_twice_in_a_run() -> Try:
    """A file, a pattern that matches it, and the file by another path: 200 events or a refusal, never 600."""
    write_nano("in/a.root", nano())
    files = ["in/*.root", "in/a.root", "in/../in/a.root"]
    overlay = {
        "datasets": {"data": {"files": files}},
        "search": {"stages": ["skim"]},
        "skim": {"regions": {"dijet": {"m_jj_min": None}}},
    }
    return snakemake(overlay, right=events_of_data, refused="a.root")


@fault()
def half_of_the_simulation_without_counters() -> Try:
    write_nano("a.root", nano())
    write_nano("b.root", nano(simulation=True), runs(3))
    datasets = {"b": {"nature": "simulation", "files": ["b.root"], "cross_section": 1}}
    overlay = {
        "datasets": datasets,
        "search": {"stages": ["skim"], "samples": {"background": ["b"]}},
        "skim": {"regions": {"dijet": {"m_jj_min": None}}},
    }
    return snakemake(overlay, right=None, refused=("b.root", "b:"))


@fault()
def broken_file_keeps_other_datasets() -> Try:
    write_nano("a.root", nano())
    text("b.root", "broken")
    datasets = {"b": {"nature": "simulation", "files": ["b.root"], "cross_section": 1}}
    overlay = {
        "datasets": datasets,
        "search": {"stages": ["skim"], "samples": {"background": ["b"]}},
        "skim": {"regions": {"dijet": {"m_jj_min": None}}, "bad_files": {"retries": 0}},
    }
    return snakemake(overlay, "--keep-going", right=None, refused="b.root")
