"""The inputs that a published network declares: CMS's ``preprocess.json``, or weaver's data configuration in YAML.

Both become one form, that of ``preprocess.json``: ``input_names``, and of each input ``var_names``, ``var_infos`` and
``var_length``. weaver's file (``weaver/utils/data/config.py``) also has formulas, ``new_variables``, which are read as
arithmetic of variables that are known (``resonaut.physics.expressions``), and run no code.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from resonaut.core.config import load_json, require_unique_keys
from resonaut.core.errors import InputFileError
from resonaut.physics.expressions import Expression
from resonaut.physics.tagger_variables import VARIABLES, Kind, Variable

REMEDY = "give the preprocess.json, or weaver's data configuration, that was published with the network"
FORMULAS = "new_variables"
# For weaver a variable without a centre is not clipped.
UNBOUNDED = 1e32
# Variables of CMS's networks that no file of this project's formats can give, and what is missing there.
_COVARIANCE = "the covariance of the track's fit"
_CALORIMETER = "the calorimeters' shares of a candidate's energy"
_IP2D = "the transverse impact parameter to the jet"
_LEPTONS = "the identification of leptons and photons in MiniAOD"
ABSENT: dict[str, str] = {
    **{f"pfcand_{name}": _COVARIANCE for name in ("dptdpt", "detadeta", "dphidphi", "dxydz", "dphidxy", "dlambdadz")},
    "pfcand_drminsv": "the vertices outside of the jet",
    "pfcand_hcalFrac": _CALORIMETER,
    "npfcand_hcalFrac": _CALORIMETER,
    "pfcand_btagSip2dVal": _IP2D,
    "pfcand_btagSip2dSig": _IP2D,
    "jet_pfcand_nstriphits": "the hits in the strip detector",
    "jet_pfcand_trackjet_decayL": "the signed decay length of a track",
    "jet_pfcand_hcalfraction": _CALORIMETER,
    "jet_pfcand_calofraction": _CALORIMETER,
    "jet_pfcand_tau_signal": "the candidates of reconstructed taus",
    "lt_mask": "the tracks that are no candidates",
}
ABSENT_FAMILIES = {
    "cpfcandlt_": "the tracks that are no candidates",
    "jet_losttrack_": "the tracks that are no candidates",
    **{f"jet_pfcand_{kind}_": _LEPTONS for kind in ("muon", "electron", "photon")},
}


def absent(name: str) -> str | None:
    """What a variable needs that no file has; None for one that can be had, or is not known at all."""
    family = next((reason for prefix, reason in ABSENT_FAMILIES.items() if name.startswith(prefix)), None)
    return ABSENT.get(name, family)


def load(path: Path) -> Any:
    """The content of a file, in the form of ``preprocess.json`` where it is weaver's.

    Raises:
        InputFileError: it is missing, or none of the two.
    """
    if path.suffix not in (".yaml", ".yml"):
        return declared(load_json(path, REMEDY, infinite=True), path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputFileError(path, "no such file", REMEDY) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise InputFileError(path, "is no YAML", REMEDY) from None
    require_unique_keys(path)
    return declared(content, path)


def declared(content: Any, source: Path | str) -> Any:
    """Inputs in the form of ``preprocess.json``, whichever of the two they are in.

    Raises:
        InputFileError: weaver's do not say what they must.
    """
    if not isinstance(content, dict) or not isinstance(inputs := content.get("inputs"), dict):
        return content
    if "input_names" in content:
        # The inputs may stand together.
        return {name: value for name, value in content.items() if name != "inputs"} | inputs
    if not inputs:
        raise InputFileError(source, "has no inputs", REMEDY)
    labels = content.get("labels")
    classes = labels.get("value") if isinstance(labels, dict) and labels.get("type", "simple") == "simple" else None
    preprocess = content.get("preprocess")
    preprocess = preprocess if isinstance(preprocess, dict) else {}
    groups = {str(name): _group(entry, preprocess, f"{source}: inputs.{name}") for name, entry in inputs.items()}
    formulas = content.get(FORMULAS) or {}
    return {"input_names": list(groups), **groups, FORMULAS: formulas, "output_names": classes or []}


def _group(entry: Any, preprocess: Mapping[str, Any], where: str) -> dict[str, Any]:
    """One input of weaver's, in the form of ``preprocess.json``."""
    if not isinstance(entry, dict) or not isinstance(entry.get("vars"), list) or "length" not in entry:
        raise InputFileError(where, "has no length and list of vars", REMEDY)
    automatic = str(preprocess.get("method", "manual")).lower().startswith("auto")
    # What weaver has found in its training sample stands in the file that it writes, *.auto.yaml.
    found = preprocess.get("params") or {}
    infos = {}
    for given in entry["vars"]:
        one = given if isinstance(given, list) else [given]
        if not one or not isinstance(one[0], str) or len(one) > 6:
            raise InputFileError(where, f"{given!r} is no variable with up to five numbers", REMEDY)
        defaults = ["", "auto" if automatic else None, 1, -5, 5, 0]
        numbers = dict(
            zip(("center", "scale", "min", "max", "pad_value"), [*one, *defaults[len(one) :]][1:], strict=True)
        )
        numbers |= found.get(one[0], {}) if isinstance(found, dict) else {}
        if numbers["center"] == "auto":
            raise InputFileError(
                where, f"{one[0]} has no numbers of its standardisation", "give weaver's *.auto.yaml, which has them"
            )
        infos[one[0]] = _info(
            **{name: _number(numbers[name]) for name in ("center", "scale", "min", "max", "pad_value")}
        )
    mode = str(entry.get("pad_mode", "constant")).lower()
    return {"var_names": list(infos), "var_infos": infos, "var_length": entry["length"], "pad_mode": mode}


def _number(value: Any) -> Any:
    """YAML takes 1e32 for a word, and weaver for a number."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _info(center: Any, scale: Any, min: Any, max: Any, pad_value: Any) -> dict[str, Any]:
    """What weaver does to a variable: nothing at all without a centre, and NaN becomes 0 in the end."""
    if center is None:
        center, scale, min, max = 0, 1, -UNBOUNDED, UNBOUNDED
    bounds = {"lower_bound": min, "upper_bound": max}
    return {"median": center, "norm_factor": scale, "replace_inf_value": center, **bounds, "pad": pad_value}


def variables(content: Mapping[str, Any], names: Sequence[str], where: str) -> dict[str, Variable]:
    """The variables of these names: formulas of the file's own, or those that are known.

    Raises:
        InputFileError: a variable is unknown, cannot be had, or has a formula that cannot be read; or one input mixes
            kinds of objects.
    """
    formulas = content.get(FORMULAS) or {}
    if not isinstance(formulas, dict):
        raise InputFileError(where, f"{FORMULAS} is no mapping of names to formulas", REMEDY)
    found = {name: _variable(name, formulas, where, ()) for name in names}
    if len(kinds := {one.kind for one in found.values()}) > 1:
        raise InputFileError(where, f"mixes variables of {' and '.join(sorted(kinds))}", "give each kind its own input")
    return found


def _variable(name: str, formulas: Mapping[str, Any], where: str, within: tuple[str, ...]) -> Variable:
    if name in formulas and formulas[name] != name:
        if name in within:
            raise InputFileError(where, f"the formula of {name!r} needs itself", REMEDY)
        formula = Expression.of(formulas[name], f"{where}: {FORMULAS}.{name}")
        parts = {part: _variable(part, formulas, where, (*within, name)) for part in formula.names}
        return formula.variable(parts)
    if (reason := absent(name)) is not None:
        raise InputFileError(where, f"{name!r} needs {reason}, which no file has", "take another network")
    if name not in VARIABLES:
        near = difflib.get_close_matches(name, VARIABLES, 1)
        guess = f"did you mean {near[0]!r}?" if near else "docs/published_networks.md lists those there are"
        raise InputFileError(where, f"unknown variable {name!r}", f"correct it; {guess}".rstrip("."))
    return VARIABLES[name]


def bases(content: Mapping[str, Any], names: Iterable[str]) -> frozenset[str]:
    """Names of variables, which ``variables`` has passed, and those that their formulas are made of."""
    formulas, found, open_ = content.get(FORMULAS) or {}, set[str](), list(names)
    while open_:
        name = open_.pop()
        if name in formulas and name not in found and formulas[name] != name:
            open_ += Expression.of(formulas[name], name).names
        found.add(name)
    return frozenset(found)


def groups(content: Any, source: Path | str) -> dict[str, dict[str, Any]]:
    """The inputs by name, in the network's order, each with its variables in ``var_names``.

    Raises:
        InputFileError: an input is missing, or has no variables.
    """
    names = content.get("input_names") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(names, list) or not names:
        raise InputFileError(source, "has no list input_names", REMEDY)
    for name in names:
        if not isinstance(name, str) or name not in content:
            raise InputFileError(source, f"has no input {str(name)!r}, which input_names has", REMEDY)
        given = content[name].get("var_names") if isinstance(content[name], dict) else None
        if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
            raise InputFileError(source, f"has no variables of the input {name!r}", REMEDY)
    if len({*names}) < len(names):
        raise InputFileError(source, "input_names has a name twice", REMEDY)
    return {name: content[name] for name in names}


def fields_of(content: Any, source: str) -> dict[Kind, tuple[str, ...]]:
    """The fields of each kind of objects that the networks of a file need, with an empty one for the objects.

    Raises:
        InputFileError: it is no such file, or a variable is unknown.
    """
    found: dict[Kind, dict[str, None]] = {"candidate": {}, "neutral": {}, "vertex": {}, "jet": {}}
    for name, group in groups(content, source).items():
        for one in variables(content, group["var_names"], f"{source}: {name}").values():
            found[one.kind] |= dict.fromkeys((*one.fields, ""))
    return {kind: tuple(fields) for kind, fields in found.items()}
