"""What all tests share.

One thread per test process: on a busy machine OpenMP's waiting threads cost more than they bring.
"""

import gc
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest

for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


class NoTorch(MetaPathFinder):
    """Whoever imports torch is skipped."""

    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            pytest.skip("needs torch", allow_module_level=True)


def pytest_addoption(parser) -> None:
    parser.addoption(
        "--without-torch",
        action="store_true",
        help="skip the tests that need torch, of which not every Python has a build",
    )
    parser.addoption("--one-of-a-file", action="store_true", help="run the first test alone of each file")


def pytest_configure(config) -> None:
    if config.getoption("--without-torch"):
        sys.meta_path.insert(0, NoTorch())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items) -> None:
    """The tests of a file run in one process, which makes once what they share; both would make it for their part."""
    if config.getoption("--one-of-a-file"):
        first = {item.path: item for item in reversed(items)}
        others = {*items} - {*first.values()}
        config.hook.pytest_deselected(items=[*others])
        items[:] = [item for item in items if item not in others]
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_collection_finish(session) -> None:
    """Thousands of tests and their modules stay: looking for garbage among them took seconds, again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def torch_stays_in_single_precision():
    """No test may change how torch calculates in those that come after it, as pyhf's torch does."""
    yield
    if torch := sys.modules.get("torch"):
        assert torch.get_default_dtype() == torch.float32


@pytest.fixture(scope="session")
def manifest_of():
    """``manifest_of(name, key=value)`` is the manifest of simulation of 1 fb without events, changed."""
    from resonaut.core.manifest import Manifest

    def make(name: str, **changes) -> Manifest:
        known = {"nature": "simulation", "era": None, "luminosity": None, "cross_section": 1.0, "mass": None}
        nothing = {"chunks": [], "events": 0, "cutflow": [], "lost": [], "notes": [], "dropped": {}, "variations": {}}
        return Manifest(**({"name": name, "weight_scale": 1.0} | known | nothing | changes))

    return make


@pytest.fixture
def export_onnx(tmp_path, monkeypatch):
    """``export_onnx(name, module, x=..., y=...)`` saves a torch module as ONNX; the file's path.

    Keywords are the names of inputs and an example (n, ...) of each, whose n stays open unless ``fixed``; ``outputs``
    are the names of those.
    """
    import io

    import torch

    # Torch asks for the package onnx only to look for functions that these graphs do not have.
    exporter = "torch.onnx._internal.torchscript_exporter.onnx_proto_utils._add_onnxscript_fn"
    monkeypatch.setattr(exporter, lambda graph, opsets: graph)

    def export(name: str, module, outputs=("y",), fixed=False, **inputs) -> Path:
        buffer = io.BytesIO()
        axes = {} if fixed else {one: {0: "N"} for one in (*inputs, *outputs)}
        named = {"input_names": list(inputs), "output_names": list(outputs), "dynamic_axes": axes}
        with pytest.warns(DeprecationWarning, match="TorchScript-based ONNX export|will be removed"):
            torch.onnx.export(module.eval(), tuple(inputs.values()), buffer, dynamo=False, opset_version=15, **named)
        path = tmp_path / name
        path.write_bytes(buffer.getvalue())
        return path

    return export


@pytest.fixture(scope="session")
def write_skimmed(manifest_of):
    """``write_skimmed(results, name, chunks, key=value)`` writes a dataset as ``skim`` does; the manifest's path.

    A chunk is a list of batches of events, its row groups. What the manifest says beside them is simulation of 1 fb,
    changed; ``units`` and ``metadata`` are those of columns.
    """
    from resonaut.core import events, results

    def write(folder: Path, name: str, chunks=(), units=(), metadata=(), **changes) -> Path:
        path = folder / "skim" / f"{name}.json"
        names = [f"{number:03d}" for number in range(len(chunks))]
        for chunk, batches in zip(names, chunks, strict=True):
            events.write(path.with_suffix("") / f"{chunk}.parquet", batches, dict(units), dict(metadata))
        number = sum(len(batch) for batches in chunks for batch in batches)
        results.write(path, manifest_of(name, **({"chunks": names, "events": number} | changes)))
        return path

    return write


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what a test recorded as touched, from whatever process it ran in."""
    for report in terminalreporter.getreports("passed"):
        for name, value in getattr(report, "user_properties", ()):
            if name == "touched" and report.when == "call":
                terminalreporter.write_line(value)
