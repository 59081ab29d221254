"""Spectra for ``resonaut fit scan``: tables, histograms, options, and what lies in the output already."""

import gzip
import json
from pathlib import Path

import numpy as np
import yaml
from commands import fine, load, scan, text, z
from fault import Kind, Try
from inputs import EDGES, LUMINOSITY, counts, rows, table

kind = Kind("spectrum")
fault = kind.fault

NAMED = ("s.csv", "m_low", "column", "counts")
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "blanks": "  ", "comma and blank": ", ", "bar": "|"}
ENCODINGS = {"utf-8": "utf-8", "BOM": "utf-8-sig", "latin-1": "latin-1", "UTF-16": "utf-16", "UTF-16-LE": "utf-16-le"}
ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r", "blank lines": "\n\n"}
OUTPUT = ("out/*",)


def density(scale: float = 1.0) -> np.ndarray:
    """The spectrum as a differential cross section, fb/GeV."""
    return counts() / 100.0 / LUMINOSITY * scale


# --- tables -------------------------------------------------------------------------------------------------------


@fault(fast=4, encoding=ENCODINGS, separator=SEPARATORS)
def written(encoding: str, separator: str) -> Try:
    content = "# été\n" + table(rows(), separator=separator)
    return scan(text("s.csv", content.encode(encoding)), right=z(), refused=NAMED)


@fault(end=ENDS, encoding=["utf-8-sig", "latin-1"])
def line_ends(end: str, encoding: str) -> Try:
    return scan(text("s.csv", ("# é" + end + table(rows(), end=end)).encode(encoding)), right=z(), refused=NAMED)


HEADERS = {
    "blanks": " m_low , m_high , counts ",
    "upper case": "M_LOW,M_HIGH,COUNTS",
    "quoted": '"m_low","m_high","counts"',
    "units": "m_low [GeV],m_high [GeV],counts",
    "twice": "m_low,m_high,counts,counts",
    "renamed": "low,high,events",
    "no counts": "m_low,m_high,error",
    "low twice": "m_low,m_low,counts",
    "none": "2000,2100,5",
    "empty name": "m_low,m_high,",
}


@fault(header=HEADERS)
def header(header: str) -> Try:
    lines = [[*row, "7"][: header.count(",") + 1] for row in rows()]
    return scan(text("s.csv", table(lines, "X").replace("X", header, 1)), right=z(), refused=NAMED)


@fault()
def header_in_tev() -> Try:
    content = table(rows(scale=1e-3), "m_low [TeV],m_high [TeV],counts")
    return scan(text("s.csv", content), right=z(), refused=(*NAMED, "TeV"))


@fault(fast=1, sqrt_s=["13000", "13"], masses=["4000:4000:100", "4:4:0.1"])
def in_tev(sqrt_s: str, masses: str) -> Try:
    source = text("s.csv", table(rows(scale=1e-3)))
    named = ("s.csv", "TeV", "masses", "sqrt")
    return scan(source, "--sqrt-s", sqrt_s, "--masses", masses, right=None, refused=named)


CELLS = ["nan", "inf", "-inf", "-5", "", "text", "1e400", "12;5", "0x10", "1,5", "None", "--"]


@fault(cell=CELLS, column={"low edge": 0, "high edge": 1, "count": 2})
def cell(cell: str, column: int) -> Try:
    lines = rows()
    lines[20][column] = cell
    return scan(text("s.csv", table(lines)), right=None, refused="s.csv")


BINS = {
    "gap": lambda lines: lines.pop(20),
    "overlap": lambda lines: lines.insert(20, lines[20]),
    "backwards": lambda lines: lines.reverse(),
    "unsorted": lambda lines: lines.append(lines.pop(10)),
    "low above high": lambda lines: lines[20].__setitem__(slice(0, 2), lines[20][1::-1]),
    "no width": lambda lines: lines.insert(20, [lines[20][0], lines[20][0], "5"]),
    "negative masses": lambda lines: [row.__setitem__(slice(0, 2), ["-" + row[1], "-" + row[0]]) for row in lines],
    "short line": lambda lines: lines[20].pop(),
    "all zero": lambda lines: [row.__setitem__(2, "0") for row in lines],
    "one bin": lambda lines: lines.__delitem__(slice(1, None)),
    "two bins": lambda lines: lines.__delitem__(slice(2, None)),
    "header only": lambda lines: lines.clear(),
    "fractions": lambda lines: [row.__setitem__(2, f"{float(row[2]) + 0.3:g}") for row in lines],
    "weights": lambda lines: [row.__setitem__(2, f"{float(row[2]) * 0.017:g}") for row in lines],
    "tiny": lambda lines: [row.__setitem__(2, f"{float(row[2]) * 1e-9:g}") for row in lines],
    "beyond sqrt_s": lambda lines: lines.append(["8000", "14000", "5"]),
}


@fault(change=BINS)
def bins(change) -> Try:
    lines = rows()
    change(lines)
    return scan(text("s.csv", table(lines)), right=None, refused=("s.csv", "masses", "range", "sqrt"))


@fault()
def smooth_counts_of_a_billion() -> Try:
    smooth = np.round(1e9 * (1 - EDGES[:-1] / 13000) ** 8 / (EDGES[:-1] / 2000) ** 5)
    return scan(text("s.csv", table(rows(smooth))), right=z(0.0, 3.0), refused=())


@fault(luminosity=["1", "50", "138", "137.3"])
def density_with_wrong_luminosity(luminosity: str) -> Try:
    source = text("s.csv", table(rows(density()), "m_low,m_high,dsigma_dm"))
    return scan(source, "--luminosity", luminosity, right=None, refused=("s.csv", "--luminosity"))


@fault()
def density_with_its_luminosity() -> Try:
    source = text("s.csv", table(rows(density()), "m_low,m_high,dsigma_dm"))
    return scan(source, "--luminosity", "100", right=z(), refused=())


@fault()
def density_without_luminosity() -> Try:
    source = text("s.csv", table(rows(density()), "m_low,m_high,dsigma_dm"))
    return scan(source, right=None, refused="--luminosity")


@fault()
def both_counts_and_density_that_contradict() -> Try:
    lines = [[*row, f"{value:g}"] for row, value in zip(rows(), density(3), strict=True)]
    source = text("s.csv", table(lines, "m_low,m_high,counts,dsigma_dm"))
    return scan(source, "--luminosity", "100", right=None, refused="s.csv")


FILES = {
    "empty": b"",
    "blanks": b"  \n \n",
    "zeros": bytes(5000),
    "binary": bytes(range(256)) * 20,
    "HTML": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "comments only": b"# nothing\n# here\n",
    "JSON": b'{"m_low": [1], "m_high": [2], "counts": [3]}',
    "gzip": gzip.compress(table(rows()).encode(), mtime=0),
    "half gzip": gzip.compress(table(rows()).encode(), mtime=0)[:150],
    "pickle": b"cos\nsystem\n(S'touch OWNED'\ntR.",
    "one long line": b"m_low,m_high,counts," * 5000,
    "a NUL": table(rows()).replace("counts", "cou\0nts").encode(),
    "open quote": b'm_low,m_high,"counts\n' + table(rows()).encode(),
}


@fault(content=FILES, name=["s.csv", "s.json", "s.root:h", "s.yaml", "s.csv.gz"])
def file(content: bytes, name: str) -> Try:
    source = text(name.partition(":")[0], content)
    good = name in ("s.csv.gz", "s.csv") and content[:2] == b"\x1f\x8b" and len(content) > 150
    return scan(name, right=z() if good else None, refused=source)


@fault(name=["none.csv", "", ".", "folder.csv", "/", "none.root:h", "~/none.csv", "s.csv:h", "a" * 300, "\n.csv", "-"])
def no_such(name: str) -> Try:
    Path("folder.csv").mkdir()
    text("s.csv", table(rows()))
    return scan(name, right=None, refused=(name.partition(":")[0].strip() or "--spectrum", "spectrum"))


@fault(name=["a b.csv", "é.csv", "a'b.csv", 'a"b.csv', "$(touch OWNED).csv", "x;touch OWNED;.csv", "-.csv", "a%b.csv"])
def odd_name(name: str) -> Try:
    return scan(text(f"./{name}", table(rows())), right=z(), refused=())


def hepdata(value: str = "events", scale: float = 1.0, unit: str = "GeV", number=None) -> dict:
    """A table as HEPData publishes it."""
    values = counts() if number is None else number
    low_high = [
        {"low": a * scale, "high": b * scale} for a, b in zip(EDGES[:-1].tolist(), EDGES[1:].tolist(), strict=True)
    ]
    dependent = [{"value": v, "errors": [{"symerror": v**0.5, "label": "stat"}]} for v in values.tolist()]
    return {
        "independent_variables": [{"header": {"name": "m_jj", "units": unit}, "values": low_high}],
        "dependent_variables": [{"header": {"name": value}, "values": dependent}],
    }


def hepdata_csv(name: str = "N", unit: str = "GeV", scale: float = 1.0) -> str:
    lines = ["#: table_doi: 10.17182/hepdata.1", "#: name: Table 1", "#: keyword reactions: P P --> JET JET"]
    head = f"m_jj [{unit}],m_jj [{unit}] LOW,m_jj [{unit}] HIGH,{name},stat +,stat -"
    low, high = EDGES[:-1] * scale, EDGES[1:] * scale
    body = [
        f"{(a + b) / 2:g},{a:g},{b:g},{v:g},{v**0.5:g},-{v**0.5:g}" for a, b, v in zip(low, high, counts(), strict=True)
    ]
    return "\n".join([*lines, head, *body, ""])


@fault(fast=4, encoding=["utf-8", "utf-8-sig", "utf-16"], name=["Events", "N", "counts"])
def hepdata_table(encoding: str, name: str) -> Try:
    return scan(text("s.csv", hepdata_csv(name).encode(encoding)), right=z(), refused=NAMED)


@fault()
def hepdata_table_in_tev() -> Try:
    return scan(text("s.csv", hepdata_csv(unit="TeV", scale=1e-3)), right=z(), refused=(*NAMED, "TeV"))


@fault(name=["dsigma/dm [fb/GeV]", "$d\\sigma/dm$ [pb/TeV]", "dsigma/dm [pb/GeV]"])
def hepdata_table_of_densities(name: str) -> Try:
    return scan(text("s.csv", hepdata_csv(name)), right=None, refused=(*NAMED, "--luminosity"))


@fault(fast=1, unit=["GeV", "TeV", "parsec"])
def hepdata_yaml(unit: str) -> Try:
    scale = 1e-3 if unit == "TeV" else 1.0
    content = yaml.safe_dump(hepdata(scale=scale, unit=unit))
    right = None if unit == "parsec" else z()
    return scan(text("s.yaml", content), right=right, refused=("s.yaml", "m_low"))


YAMLS = {
    "list": "[1, 2, 3]",
    "scalar": "5",
    "python": "!!python/object/apply:os.system ['touch OWNED']",
    "bomb": "a: &a [x,x,x,x,x,x,x,x]\n"
    + "".join(f"{c}: &{c} [{','.join(['*' + p] * 8)}]\n" for p, c in zip("abcdefg", "bcdefgh", strict=True)),
    "no values": yaml.safe_dump({"independent_variables": [], "dependent_variables": []}),
    "two tables": yaml.safe_dump_all([hepdata(), hepdata()]),
    "no edges": yaml.safe_dump(
        {
            "independent_variables": [{"header": {"name": "m"}, "values": [{"value": 1}]}],
            "dependent_variables": [{"header": {"name": "N"}, "values": [{"value": 1}]}],
        }
    ),
    "unequal": yaml.safe_dump(
        hepdata() | {"dependent_variables": [{"header": {"name": "N"}, "values": [{"value": 1}]}]}
    ),
    "broken": "a: [1, 2",
    "NaN": yaml.safe_dump(hepdata(number=np.full(60, np.nan))),
}


@fault(content=YAMLS)
def odd_yaml(content: str) -> Try:
    return scan(text("s.yaml", content), right=None, refused="s.yaml")


# --- UHI histograms -----------------------------------------------------------------------------------------------


def uhi(storage: dict | None = None, axes: list | None = None, **more) -> str:
    axis = {
        "type": "variable",
        "edges": EDGES.tolist(),
        "underflow": False,
        "overflow": False,
        "circular": False,
        "metadata": {},
    }
    storage = {"type": "double", "values": counts().tolist()} | (storage or {})
    return json.dumps({"uhi_schema": 1, "axes": axes or [axis], "storage": storage, "metadata": {}} | more)


REGULAR = {
    "type": "regular",
    "lower": 2000.0,
    "upper": 8000.0,
    "bins": 60,
    "underflow": False,
    "overflow": False,
    "circular": False,
    "metadata": {},
}
UHIS = {
    "weighted": uhi({"type": "weighted", "variances": (counts() * 0.01).tolist(), "values": (counts() * 0.1).tolist()}),
    "profile": uhi({"type": "mean", "counts": counts().tolist(), "variances": counts().tolist()}),
    "NaN": uhi({"values": [float("nan")] * 60}),
    "infinite": uhi({"values": [float("inf")] * 60}),
    "null": uhi({"values": [None] * 60}),
    "words": uhi({"values": ["five"] * 60}),
    "negative": uhi({"values": [-5.0] * 60}),
    "too few": uhi({"values": [5.0] * 59}),
    "no values": uhi({"values": []}),
    "two axes": uhi({"values": [[1.0] * 60] * 60}, axes=[REGULAR, REGULAR]),
    "no axes": json.dumps({"uhi_schema": 1, "axes": [], "storage": {"type": "double", "values": 5}}),
    "categories": uhi(
        {"values": [5.0, 6.0]}, axes=[{"type": "category_str", "categories": ["a", "b"], "flow": False, "metadata": {}}]
    ),
    "circular": uhi(axes=[REGULAR | {"circular": True}]),
    "upside down": uhi(axes=[REGULAR | {"lower": 8000.0, "upper": 2000.0}]),
    "in TeV": uhi(axes=[REGULAR | {"lower": 2.0, "upper": 8.0}]),
    "unknown storage": uhi({"type": "quantum"}),
    "unknown axis": uhi(axes=[REGULAR | {"type": "spiral"}]),
    "other version": uhi(uhi_schema=99),
    "list": "[1, 2]",
    "number": "5",
    "null document": "null",
    "half": uhi()[:500],
    "deep": "[" * 100000 + "]" * 100000,
    "key twice": uhi()[:-1] + ', "axes": []}',
    "unsorted edges": uhi(
        axes=[
            {
                "type": "variable",
                "edges": EDGES[::-1].tolist(),
                "underflow": False,
                "overflow": False,
                "circular": False,
                "metadata": {},
            }
        ]
    ),
    "densities": uhi({"values": density().tolist()}),
}


@fault(content=UHIS)
def odd_uhi(content: str) -> Try:
    return scan(text("s.json", content), right=None, refused=("s.json", "masses", "sqrt"))


@fault(weights=["1", "2.0", "unit"])
def weighted_uhi(weights: str) -> Try:
    """Weights of one are counts; of two, the variance is four times a count."""
    weight = 1.0 if weights == "unit" else float(weights)
    storage = {"type": "weighted", "values": (weight * counts()).tolist(), "variances": (weight**2 * counts()).tolist()}
    return scan(
        text("s.json", uhi(storage)), right=z() if weight == 1 else None, refused=() if weight == 1 else "s.json"
    )


@fault(type=["int", "double"])
def sound_uhi(type: str) -> Try:
    values = [int(v) for v in counts()] if type == "int" else counts().tolist()
    return scan(text("s.json", uhi({"type": type, "values": values}, axes=[REGULAR])), right=z(), refused=())


# --- ROOT histograms ----------------------------------------------------------------------------------------------


def root(**objects) -> str:
    import uproot

    with uproot.recreate("h.root") as file:
        for name, value in objects.items():
            file[name] = value
    return "h.root"


def th1(values: np.ndarray, variances: np.ndarray | None = None, title: str = "", axis: str = ""):
    from uproot.writing import identify

    flow = lambda v: np.concatenate([[0], v, [0]])  # noqa: E731
    bins = identify.to_TAxis("xaxis", axis, len(values), EDGES[0], EDGES[-1], fXbins=EDGES)
    second = None if variances is None else flow(variances)
    return identify.to_TH1x(None, title, flow(values), values.sum(), 1.0, 1.0, 1.0, 1.0, second, bins)


HISTOGRAMS = {
    "weighted": lambda: th1(counts() * 0.1, counts() * 0.01),
    "weighted whole": lambda: th1(counts() * 2, counts() * 4),
    "density": lambda: th1(density()),
    "density title": lambda: th1(np.round(density() * 1e6), title="d#sigma/dm_{jj} [fb/GeV]"),
    "density axis": lambda: th1(np.round(density() * 1e6), title=";m_{jj} [GeV];d#sigma/dm [pb/TeV]"),
    "NaN": lambda: th1(np.full(60, np.nan)),
    "negative": lambda: th1(counts() - 100),
    "text": lambda: "just a text",
    "TH2": lambda: (np.ones((60, 2)), EDGES, np.array([0.0, 1.0, 2.0])),
    "TH3": lambda: (np.ones((2, 2, 2)), *(np.array([0.0, 1.0, 2.0]),) * 3),
    "zeros": lambda: th1(np.zeros(60)),
}


@fault(make=HISTOGRAMS, luminosity=[None, "100"])
def odd_histogram(make, luminosity: str | None) -> Try:
    options = ["--luminosity", luminosity] if luminosity else []
    return scan(f"{root(h=make())}:h", *options, right=None, refused=("h.root", "luminosity", "0 bins with events"))


@fault(fast=1, variances=[False, True])
def sound_histogram(variances: bool) -> Try:
    return scan(f"{root(h=th1(counts(), counts() if variances else None))}:h", right=z(), refused=())


@fault(name=["none", "", "h;9", "folder/h", "t", "t/x", "folder", "h:h"])
def wrong_object(name: str) -> Try:
    import uproot

    with uproot.recreate("h.root") as file:
        file["h"] = th1(counts())
        file["folder/g"] = th1(counts())
        file.mktree("t", {"x": np.float64}).extend({"x": np.ones(5)})
    return scan(f"h.root:{name}", right=None, refused="h.root")


@fault(offset=[0, 4, 60, 100, 200, 300, 400, 600, 800, 1000, 1200])
def truncated_histogram(offset: int) -> Try:
    content = Path(root(h=th1(counts()))).read_bytes()
    return scan(f"{text('h.root', content[:offset])}:h", right=None, refused="h.root")


@fault(place=range(40, 1200, 60))
def flipped_histogram(place: int) -> Try:
    content = bytearray(Path(root(h=th1(counts()))).read_bytes())
    content[place % len(content)] ^= 0x10
    return scan(f"{text('h.root', bytes(content))}:h", right=z(), refused="h.root")


# --- options ------------------------------------------------------------------------------------------------------

OPTIONS = {
    "--sqrt-s": ["nan", "inf", "0", "-13000", "13", "text", "1e308", "5000", ""],
    "--masses": [
        "nan:nan:nan",
        "4000",
        "4000:5000",
        "5000:4000:100",
        "4000:5000:0",
        "4000:5000:-100",
        "inf:inf:1",
        "1:2:0.1",
        "20000:20000:100",
        "a:b:c",
        "4000:5000:1e-9",
        "",
        "-4000:-3000:100",
        "2000:2000:100",
        "8000:8000:100",
    ],
    "--range": ["nan:nan", "5000:3000", "3000", "9000:10000", "3000:3000", "0:inf", "a:b", "3000:3050", "", "-1:1"],
    "--luminosity": ["nan", "inf", "0", "-1", "138000", "1e9", "text", "138 parsec", ""],
    "--signal": ["none.csv@4000", "s.csv", "s.csv@nan", "s.csv@-1", "s.csv@0", "@4000", "empty.csv@4000"],
}


@fault(option={f"{name} {value!r}": (name, value) for name, values in OPTIONS.items() for value in values})
def option(option: tuple[str, str]) -> Try:
    text("empty.csv", table(rows(np.zeros(60))))
    name, value = option
    named = (name, name.strip("-"), value.partition("@")[0] or name)
    return scan(text("s.csv", table(rows())), name, value, right=None, refused=named)


SETTINGS = [
    "toys=nan", "toys=-1", "toys=1.5", "toys=.inf", "toys=many", "seed=-1", "seed=9223372036854775808", "seed=1e30",
    "seed=nan", "signal_width=nan", "signal_width=0", "signal_width=.nan", "signal_width=-.inf", "signal_width=",
    "signal_width=5", "confidence_level=.nan", "confidence_level=95", "confidence_level=1", "confidence_level=",
    "background.f_test=.nan", "background.shrink.min_p_smooth=.nan", "background.resonances=.inf",
    "background.f_test=", "background.shape_parameters=[5,2]", "background.shape_parameters=[2]",
    "background.families=[]", "background.families=[line]", "background.shrink.step=.nan", "background.shrink.step=0",
    "background.shrink.below=-5", "background.shrink.min_p_background=.nan", "uncertainties.scale=.nan",
    "uncertainties.luminosity=.inf", "uncertainties.luminosity=", "bump_widths=[6,2]", "bump_widths=[0,0]",
    "reference_signal=.nan", "reference_signal=.inf", "limit_checks.masses=[1234]", "nothing=5", "background=5", "=5",
    "toys", "background.shrink=[]", "toys={a: 1", "toys=!!python/object/apply:os.system ['touch OWNED']",
]  # fmt: skip


@fault(setting=SETTINGS)
def setting(setting: str) -> Try:
    key = setting.partition("=")[0]
    named = ("--set", key, key.rpartition(".")[2] or "--set", key.partition("_")[2] or key)
    return scan(text("s.csv", table(rows())), "--set", setting, right=None, refused=named)


@fault(luminosity=["100 /fb", "100/fb", "0.1 /ab", "100000 /pb"])
def luminosity_with_unit(luminosity: str) -> Try:
    return scan(
        text("s.csv", table(rows())), "--luminosity", luminosity, right=luminosity_is_100, refused="--luminosity"
    )


def luminosity_is_100() -> str | None:
    found = load("out/scan.json")["luminosity"]
    return z()() or (None if abs(found - 100) < 1e-6 else f"luminosity {found}")


CONTENTS = {
    "dsigma_dm": (1.0, True),
    "fb/GeV": (1.0, True),
    "pb/TeV": (1.0, True),
    "pb/GeV": (1e-3, True),
    "fb/TeV": (1e3, True),
    "parsec": (1.0, False),
    "nan": (1.0, False),
    "": (1.0, False),
    "fb": (1.0, False),
}


@fault(contents=CONTENTS.keys())
def contents_of_a_histogram(contents: str) -> Try:
    """A histogram of cross sections, of which the user says the unit, rightly or wrongly."""
    scale, sound = CONTENTS[contents]
    options = ("--contents", contents, "--luminosity", "100")
    refused = () if sound else ("h.root", "--contents")
    source = f"{root(h=th1(density(scale)))}:h"
    return scan(source, *options, right=z() if sound else None, refused=refused, needs="--contents")


@fault(luminosity=["1", "50", "137"], contents=["fb/GeV", "pb/TeV"])
def contents_with_wrong_luminosity(luminosity: str, contents: str) -> Try:
    options = ("--contents", contents, "--luminosity", luminosity)
    refused = ("h.root", "--luminosity", "--contents")
    return scan(f"{root(h=th1(density()))}:h", *options, right=None, refused=refused, needs="--contents")


@fault(unit=["TeV", "GeV", "MeV", "furlong", ""])
def unit_of_the_masses(unit: str) -> Try:
    source = text("s.csv", table(rows(scale=1e-3)))
    refused = () if unit == "TeV" else ("s.csv", "--mass-unit", "masses", "TeV")
    return scan(source, "--mass-unit", unit, right=z() if unit == "TeV" else None, refused=refused, needs="--mass-unit")


# --- what was there before ----------------------------------------------------------------------------------------

FOREIGN = (
    "out/workspace_4500.json",
    "out/workspace_mine.json",
    "out/notes.txt",
    "out/hepdata/mine.yaml",
    "out/hepdata/submission.yaml",
)


@fault(fast=1)
def foreign_files_in_the_output() -> Try:
    for path in FOREIGN:
        text(path, "{}")
    return scan(text("s.csv", table(rows())), right=z(), refused=FOREIGN)


@fault(fast=1, name=["scan.csv", "scan.json", "workspace_4000.json"])
def output_over_the_input(name: str) -> Try:
    content = uhi() if name.endswith("json") else table(rows())
    return scan(text(name, content), "--output", ".", right=None, refused=(name,), writes=("scan.*", "workspace_*"))


@fault()
def output_beside_foreign_workspaces() -> Try:
    for name in ("workspace_3000.json", "workspace_4000.json"):
        text(name, "{}")
    writes = ("scan.json", "scan.csv", "workspace_4000.json", ".resonaut*", "*.json", ".*")
    return scan(text("s.csv", table(rows())), "--output", ".", right=None, refused="workspace", writes=writes)


@fault()
def report_beside_a_foreign_hepdata() -> Try:
    text("hepdata/mine.yaml", "a: 1")
    text("hepdata/submission.yaml", "b: 1")
    first = scan(text("s.csv", table(rows())), right=None, refused="")
    report = ["resonaut", "report", "search", "out/scan.json", "--output", "."]
    return Try([*first.commands, report], fine, ("hepdata",), writes=("*.png", "hepdata/*", "out/*", "hepdata*", ".*"))


@fault(again=["same", "fewer masses"])
def own_files_are_replaced(again: str) -> Try:
    """A second run takes away what the first one wrote, and nothing else."""
    first = scan(text("s.csv", table(rows())), "--masses", "4000:4200:100", right=None, refused="")
    second = scan("s.csv", *(("--masses", "4000:4200:100") if again == "same" else ()), right=z(), refused="")

    def check() -> str | None:
        found = len(list(Path("out").glob("workspace_*.json")))
        return z()() or (None if found == (3 if again == "same" else 1) else f"{found} workspaces")

    return Try([*first.commands, *second.commands], check, ())


@fault(obstacle=["out", "out/scan.json/x", "out/workspace_4000.json/x"])
def something_in_the_way(obstacle: str) -> Try:
    text(obstacle, "x")
    return scan(text("s.csv", table(rows())), right=None, refused=("out",))
