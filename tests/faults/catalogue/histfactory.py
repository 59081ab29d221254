"""HistFactory workspaces for ``resonaut fit histfactory``: spoilt numbers, names and patches; odd but sound ones."""

import json
from collections.abc import Callable
from typing import Any

from commands import load, text
from fault import Check, Kind, Try

kind = Kind("HistFactory")
fault = kind.fault

Workspace = dict[str, Any]
QUICK = ["--set", "impacts=false", "--set", "scan_points=0"]


def sound() -> Workspace:
    """Two bins, with a signal, a nuisance of rate and one of shape, and an uncertainty of each bin."""

    def modifier(name: str, kind: str, data: Any = None) -> Workspace:
        return {"name": name, "type": kind, "data": data}

    signal = {"name": "signal", "data": [5.0, 10.0], "modifiers": [modifier("mu", "normfactor")]}
    modifiers = [
        modifier("rate", "normsys", {"hi": 1.1, "lo": 0.9}),
        modifier("shape", "histosys", {"hi_data": [52.0, 19.0], "lo_data": [48.0, 21.0]}),
        modifier("mc", "staterror", [2.0, 1.5]),
    ]
    background = {"name": "background", "data": [50.0, 20.0], "modifiers": modifiers}
    return {
        "version": "1.0.0",
        "channels": [{"name": "region", "samples": [signal, background]}],
        "observations": [{"name": "region", "data": [55.0, 30.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }


def fitted(mu: float | None = None, limit: bool = True) -> Check:
    """A minimum was found, at this ``mu``, and there is a limit, or null and a reason."""

    def check() -> str | None:
        result = load("out/r.json")
        (interest,) = result["interests"]
        if not result["converged"]:
            return f"not converged: {result['problem']}"
        if mu is not None and abs(interest["value"] - mu) > 1e-3:
            return f"mu {interest['value']}, {mu} expected"
        if (interest["limits"] is not None) != limit or (not limit and not interest["reason"]):
            return f"limits {interest['limits']}, reason {interest['reason']}"
        return None

    return check


def fit(workspace: Any, *words: str, right: Check | None, refused: tuple[str, ...]) -> Try:
    content = workspace if isinstance(workspace, str) else json.dumps(workspace)
    command = ["resonaut", "fit", "histfactory", text("w.json", content), "--output", "out/r.json", *QUICK, *words]
    return Try([command], right, refused, writes=("out/*",))


def changed(path: str, value: Any) -> Workspace:
    """The sound one with another value at a path of keys and places; ``DELETE`` takes the key out."""
    made = sound()
    at: Any = made
    *places, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for place in places:
        at = at[place]
    if value is DELETE:
        del at[last]
    else:
        at[last] = value
    return made


DELETE = object()
SIGNAL, BACKGROUND = "channels/0/samples/0", "channels/0/samples/1"
MODIFIER = f"{BACKGROUND}/modifiers"
PLACES = [
    f"{SIGNAL}/data",
    f"{BACKGROUND}/data",
    "observations/0/data",
    f"{MODIFIER}/1/data/hi_data",
    f"{MODIFIER}/2/data",
]
ODD = {
    "too short": [1.0],
    "too long": [1.0, 2.0, 3.0],
    "empty": [],
    "text": ["a", "b"],
    "null": [None, 1.0],
    "boolean": [True, False],
    "NaN": [float("nan"), 1.0],
    "infinite": [float("inf"), 1.0],
    "huge": [1e308, 1e308],
    "nested": [[1.0], [2.0]],
    "number": 5,
}  # fmt: skip


@fault(path=PLACES, value=ODD)
def numbers(path: str, value: Any) -> Try:
    return fit(changed(path, value), right=None, refused=("w.json",))


NAMES = {
    "no channels": ("channels", DELETE),
    "no channel": ("channels", []),
    "no observations": ("observations", DELETE),
    "no measurements": ("measurements", DELETE),
    "other observation": ("observations/0/name", "other"),
    "unknown modifier": (f"{MODIFIER}/0/type", "lognormal"),
    "unknown interest": ("measurements/0/config/poi", "nu"),
    "sample twice": (f"{SIGNAL}/name", "background"),
    "no name": (f"{SIGNAL}/name", DELETE),
    "factor of 0": (f"{MODIFIER}/0/data", {"hi": 0.0, "lo": 1.0}),
    "one way": (f"{MODIFIER}/0/data", {"hi": 1.1}),
    "bounds upside down": ("measurements/0/config/parameters", [{"name": "mu", "bounds": [[5, 1]]}]),
    "start outside": ("measurements/0/config/parameters", [{"name": "mu", "bounds": [[2, 5]], "inits": [1.0]}]),
    "negative count": ("observations/0/data", [-1.0, 3.0]),
    "negative error": (f"{MODIFIER}/2/data", [-1.0, 3.0]),
}


@fault(what=NAMES)
def contradiction(what: tuple[str, Any]) -> Try:
    return fit(changed(*what), right=None, refused=("w.json",))


DEFINED: dict[str, tuple[str, Any, Check]] = {
    "nothing selected": (f"{SIGNAL}/data", [0.0, 0.0], fitted(limit=False)),
    "nuisance without effect": (f"{MODIFIER}/0/data", {"hi": 1.0, "lo": 1.0}, fitted()),
    "one-sided": (f"{MODIFIER}/1/data/lo_data", [50.0, 20.0], fitted()),
    "same side": (f"{MODIFIER}/0/data", {"hi": 1.2, "lo": 1.1}, fitted()),
    "no data": ("observations/0/data", [0.0, 0.0], fitted(mu=0.0)),
    "fractions": ("observations/0/data", [54.5, 30.25], fitted()),
    "unknown parameter": ("measurements/0/config/parameters", [{"name": "nu", "fixed": True}], fitted()),
}


@fault(what=DEFINED)
def odd_but_sound(what: tuple[str, Any, Check]) -> Try:
    path, value, check = what
    return fit(changed(path, value), right=check, refused=())


@fault(observed=[0.0, 3.0])
def without_background(observed: float) -> Try:
    workspace = changed(f"{BACKGROUND}/data", [0.0, 20.0])
    workspace["channels"][0]["samples"][1]["modifiers"] = []
    workspace["observations"][0]["data"] = [observed, 20.0]
    return fit(workspace, right=fitted(limit=observed == 0), refused=())


PATCH = [{"op": "replace", "path": "/observations/0/data", "value": [50, 20]}]
ONE = {"patches": [{"metadata": {"name": "x"}, "patch": PATCH}]}
PATCHES: dict[str, tuple[Any, list[str], Check | None, tuple[str, ...]]] = {
    "patch": (PATCH, [], fitted(mu=0.0), ()),
    "of another": ([{"op": "remove", "path": "/channels/7"}], [], None, ("p.json",)),
    "no patch": ({"a": 1}, [], None, ("p.json",)),
    "a number": (5, [], None, ("p.json",)),
    "set": (ONE, [], fitted(mu=0.0), ()),
    "unknown name": (ONE, ["--patch-name", "y"], None, ("p.json",)),
    "nameless": ({"patches": [{"patch": PATCH}]}, [], None, ("p.json",)),
    "empty set": ({"patches": []}, [], None, ("p.json",)),
    "odd set": ({"patches": 5}, [], None, ("p.json",)),
    "other digest": (
        {"metadata": {"digests": {"sha256": "0"}}, **ONE},
        [],
        None,
        ("p.json",),
    ),
}  # fmt: skip


@fault(what=PATCHES)
def patch(what: tuple[Any, list[str], Check | None, tuple[str, ...]]) -> Try:
    content, more, right, refused = what
    words = ["--patch", text("p.json", json.dumps(content)), *more]
    return fit(sound(), *words, right=right, refused=refused)


SETTINGS = {
    "unknown key": "limit=none",
    "unknown measurement": "measurement=other",
    "unknown interest": "interests=[nu]",
    "upside down": "scan_range={mu: [5, 1]}",
    "level": "confidence_levels=[1]",
    "toys": "toys=0",
}


@fault(setting=SETTINGS)
def settings(setting: str) -> Try:
    return fit(sound(), "--set", setting, right=None, refused=("--set", "w.json"))


BROKEN: dict[str, Callable[[str], str]] = {
    "cut": lambda content: content[: len(content) // 2],
    "list": lambda content: f"[{content}]",
    "empty": lambda content: "",
    "number": lambda content: "5",
    "twice": lambda content: content * 2,
    "deep": lambda content: "[" * 100000,
}


@fault(how=BROKEN)
def broken(how: Callable[[str], str]) -> Try:
    return fit(how(json.dumps(sound())), right=None, refused=("w.json",))
