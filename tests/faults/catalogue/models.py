"""Corrections and models: wrong, truncated, swapped, or with code inside."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from commands import done, fine, freeze, skim, text
from fault import Kind, Try
from inputs import nano, runs, write_nano
from outcome import OWNED

kind = Kind("models and corrections")
fault = kind.fault

OUTPUT = "out/correction.json"


def imported(right: Callable[[], str | None] | None, refused: Any, **how: Any) -> Try:
    return Try([["resonaut", "calibrate", "import", "--input", "r.root", "--output", OUTPUT]], right, refused, **how)


CONTENTS = {
    "empty": b"",
    "HTML": b"<html>404</html>",
    "magic only": b"root",
    "zeros": bytes(5000),
    "magic and zeros": b"root" + bytes(5000),
    "pickle": b"cos\nsystem\n(S'touch OWNED'\ntR.",
    "JSON": b'{"schema_version": 2}',
    "random": np.random.default_rng(1).bytes(5000),
}


@fault(fast=4, content=CONTENTS)
def import_of_other_content(content: bytes) -> Try:
    text("r.root", content)
    return imported(None, ("r.root",))


@fault(fast=1, output=["r.root", "./r.root", "../work/r.root", "link.root"])
def import_over_the_input(output: str) -> Try:
    text("r.root", CONTENTS["zeros"])
    Path("link.root").symlink_to("r.root")
    write_nano("r.root", nano())
    command = ["resonaut", "calibrate", "import", "--input", "r.root", "--output", output]
    return Try([command], None, ("r.root", output))


EDGES = [np.array(e) for e in ([10.0, 65.0, 110.0, 99999.0], [0.0, 2.0, 4.0, 8.0], [-5.0, -3.0, 0.0, 4.0])]
NAMES = ("ratio_nom", "mc_nom", "h_bl_ratio", "ratio_sys_tot_up", "ratio_sys_tot_down")
SPOILT = {
    "no polynomials": lambda n, v: v,
    "NaN": lambda n, v: v * np.nan,
    "infinite": lambda n, v: v + np.inf,
    "negative": lambda n, v: -v,
    "zero": lambda n, v: v * 0,
    "one missing": lambda n, v: None if n == "mc_nom" else v,
    "other bins": lambda n, v: v[:, :2] if n == "h_bl_ratio" else v,
    "two dimensions": lambda n, v: v[0],
    "text": lambda n, v: "x",
}


@fault(fast=3, spoil=SPOILT)
def import_of_other_tables(spoil: Callable[[str, np.ndarray], Any]) -> Try:
    import uproot

    with uproot.recreate("r.root") as file:
        for name in NAMES:
            values = spoil(name, np.ones((3, 3, 3)))
            if values is None:
                continue
            file[name] = values if isinstance(values, str) else (values, *_edges(values))
    return imported(None, ("r.root",))


def _edges(values: np.ndarray) -> list[np.ndarray]:
    edges = EDGES[3 - values.ndim :]
    return [edge[: n + 1] for edge, n in zip(edges, values.shape, strict=True)]


def correction() -> None:
    """A flat correction of this project's own format, with its metadata."""
    from resonaut.calibrate import correction as tables
    from resonaut.calibrate.bins import LundBins

    bins = LundBins(
        subjet_pt=(10.0, 65.0, 110.0, 350.0), ln_radius_over_delta=(0.0, 2.0, 4.0, 8.0), ln_kt=(-5.0, -3.0, 0.0, 4.0)
    )
    flat = np.ones(bins.shape)
    polynomial = np.zeros((tables.COEFFICIENTS, *bins.shape[1:]))
    polynomial[0] = 1.0
    factors = tables.Factors(flat, polynomial)
    found = tables.LundCorrection(
        declustering="ca",
        minimum_delta=0.005,
        minimum_kt=0.02,
        bins=bins,
        direct_pt_range=(15.0, 350.0),
        factor_range=(0.2, 5.0),
        nominal=factors,
        error=flat * 0.1,
        covariance=np.zeros((3, 3, *bins.shape[1:])),
        systematics={"systematic": (factors, factors)},
        b_light=flat,
        density=flat,
    )
    tables.write(Path("c.json"), found, {"file": "made up"})


def normalised(right: Callable[[], str | None] | None, refused: Any) -> Try:
    """``resonaut calibrate normalise`` of a signal with the correction ``c.json``."""
    dataset = {"nature": "simulation", "cross_section": 1.0, "mass": 3500.0, "luminosity": None}
    write_nano("a.root", nano(simulation=True), runs(200))
    done(skim("a.root", right=None, refused="", dataset=dataset))
    section = json.loads(Path("frozen/calibrate.json").read_text()) | {"minimum_delta": 0.005, "minimum_kt": 0.02}
    text("frozen/calibrate.json", json.dumps(section | {"declustering": "ca"}))
    options = ["--config", "frozen/calibrate.json", "--correction", "c.json", "--dataset", "results/skim/d.json"]
    return Try([["resonaut", "calibrate", "normalise", *options, "--output", "out/means.json"]], right, refused)


METADATA: dict[str, Callable[[dict[str, Any]], Any]] = {
    "sound": lambda m: None,
    "missing": lambda m: m.clear(),
    "other bins": lambda m: m["bins"].update(ln_kt=[-6.0, -3.0, 0.0, 4.0]),
    "fewer bins": lambda m: m["bins"].update(ln_kt=[-5.0, 0.0, 4.0]),
    "bins upside down": lambda m: m["bins"].update(ln_kt=[4.0, 0.0, -3.0, -5.0]),
    "bins NaN": lambda m: m["bins"].update(ln_kt=[-5.0, float("nan"), 0.0, 4.0]),
    "factors upside down": lambda m: m.update(factor_range=[5.0, 0.2]),
    "factors infinite": lambda m: m.update(factor_range=[0.2, float("inf")]),
    "factors negative": lambda m: m.update(factor_range=[-1.0, 5.0]),
    "range upside down": lambda m: m.update(direct_pt_range=[350.0, 15.0]),
    "other declustering": lambda m: m.update(declustering="kt"),
    "unknown systematic": lambda m: m.update(systematics=["other"]),
    "no systematics": lambda m: m.update(systematics=[]),
    "covariance NaN": lambda m: m.update(polynomial_covariance=[[[[float("nan")] * 3] * 3] * 3] * 3),
    "covariance negative": lambda m: m.update(polynomial_covariance=[[[[-1.0] * 3] * 3] * 3] * 3),
    "minimum NaN": lambda m: m.update(minimum_kt=float("nan")),
    "text": lambda m: m.update(bins="x"),
}


@fault(change=METADATA)
def metadata_of_a_correction(change: Callable[[dict[str, Any]], Any]) -> Try:
    correction()
    content = json.loads(Path("c.metadata.json").read_text())
    before = json.dumps(content)
    change(content)
    text("c.metadata.json", json.dumps(content))
    sound = fine if json.dumps(content) == before else None
    return normalised(sound, ("c.json", "c.metadata.json"))


TABLES: dict[str, tuple[str, str]] = {
    "NaN factor": ("1.0", "NaN"),
    "infinite factor": ("1.0", "Infinity"),
    "inverted factor": ("1.0", "-1.0"),
    "huge factor": ("1.0", "1e9"),
    "other name": ("lund_ratio", "lund_other"),
    "other version": ('"schema_version": 2', '"schema_version": 1'),
    "other declustering": ('"ca"', '"kt"'),
    "text for a number": ("1.0", '"one"'),
}


@fault(change=TABLES)
def tables_of_a_correction(change: tuple[str, str]) -> Try:
    correction()
    text("c.json", Path("c.json").read_text().replace(*change))
    return normalised(None, ("c.json", "c.metadata.json"))


@fault(fraction=[0, 0.01, 0.5, 0.99], path=["c.json", "c.metadata.json"])
def truncated_correction(fraction: float, path: str) -> Try:
    correction()
    content = Path(path).read_bytes()
    text(path, content[: int(len(content) * fraction)])
    return normalised(None, (path,))


@fault()
def metadata_of_another_correction() -> Try:
    """Tables and metadata of two imports with the same bins."""
    correction()
    other = json.loads(Path("c.metadata.json").read_text())
    other["polynomial_covariance"] = [[[[0.5] * 3] * 3] * 3] * 3
    other["source"] = {"file": "another"}
    text("c.metadata.json", json.dumps(other, indent=1, sort_keys=True) + "\n")
    return normalised(None, ("c.json", "c.metadata.json"))


# --- models of the taggers ----------------------------------------------------------------------------------------


class Payload:
    def __reduce__(self):
        return os.system, (f"touch {OWNED}",)


def scored(path: str, right: Callable[[], str | None] | None, refused: Any) -> Try:
    """``resonaut tag score`` with a model file."""
    done(skim(write_nano("a.root", nano(20)), right=None, refused=""))
    options = ["--config", "frozen/tag.json", "--model", path, "--dataset", "results/skim/d.json", "--chunk", "000"]
    return Try([["resonaut", "tag", "score", *options, "--output", "results/tag/d/000.parquet"]], right, refused)


def _torch(value: Any) -> bytes:
    import io

    import torch

    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _stored(kind: str, settings: dict[str, Any]) -> bytes:
    from resonaut.learn import store

    store.save(Path("stored.npz"), store.Model(kind, settings, {"weight": np.zeros(3)}))
    return Path("stored.npz").read_bytes()


def _npz(**values: Any) -> bytes:
    import io

    buffer = io.BytesIO()
    np.savez(buffer, **values)
    return buffer.getvalue()


def _zipped() -> bytes:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Payload()))
        file.writestr("archive/version", "3\n")
    return buffer.getvalue()


MODELS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "HTML": lambda: b"<html>404</html>",
    "pickle": lambda: pickle.dumps(Payload()),
    "old pickle": lambda: pickle.dumps(Payload(), 0),
    "zip with a pickle": _zipped,
    "torch with a pickle": lambda: _torch({"name": "x", "settings": {}, "weights": Payload()}),
    "torch list": lambda: _torch([1, 2]),
    "torch number": lambda: _torch(5),
    "torch other keys": lambda: _torch({"state": {}}),
    "no settings": lambda: _stored("tagger", {}),
    "other kind": lambda: _stored("density", {}),
    "truncated": lambda: _stored("tagger", {})[:200],
    "array with a pickle": lambda: _npz(about=np.array([Payload()], object)),
    "ONNX garbage": lambda: b"\x08\x07\x12\x07pytorch" + bytes(200),
    "random": lambda: np.random.default_rng(1).bytes(3000),
}


@fault(fast=5, make=MODELS)
def model_of_a_tagger(make: Callable[[], bytes]) -> Try:
    return scored(text("m.npz", make()), None, ("m.npz",))


@fault(name=["none.npz", "folder.npz", "/dev/null"])
def no_model(name: str) -> Try:
    Path("folder.npz").mkdir()
    return scored(name, None, (name,))


@fault(make={k: v for k, v in MODELS.items() if k not in ("torch number",)}, suffix=[".pt", ".onnx"])
def published_weights(make: Callable[[], bytes], suffix: str) -> Try:
    """``resonaut tag train`` that adopts weights named in the configuration."""
    path = text(f"w{suffix}", make())
    network = {"architecture": "particle_net", "weights": path, "outputs": ["qcd", "2prong"]}
    dataset = {"nature": "simulation", "cross_section": 1.0, "files": ["a.root"]}
    refusal = freeze({"datasets": {"d": dataset}, "tag": {"networks": {"n": network}}})
    if refusal:
        return Try([refusal], None, (path,))
    write_nano("a.root", nano(simulation=True), runs(200))
    done(skim("a.root", right=None, refused="", dataset=dataset | {"luminosity": None}))
    freeze({"datasets": {"d": dataset}, "tag": {"networks": {"n": network}}})
    options = ["--config", "frozen/tag.json", "--network", "n", "--output", "out/n.npz", "--summary", "out/n.json"]
    return Try([["resonaut", "tag", "train", "--background", "results/skim/d.json", *options]], None, (path,))
