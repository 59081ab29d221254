"""The commands of a user, and what a right result of theirs looks like."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import inputs
import yaml
from execute import execute
from fault import Check, Try

CLONE = "FAULTS_CLONE"
# Keys that only choose the jobs, which no job reads.
PLANNED = {"select": ("methods", "window_chains", "injection"), "report": ("no_signal_check",)}


def skim(
    *files: str,
    right: Check | None,
    refused: str | tuple[str, ...],
    config: Mapping[str, Any] | None = None,
    dataset: Mapping[str, Any] | None = None,
    chunks: int = 1,
    **how: Any,
) -> Try:
    """``resonaut skim chunk`` of ``files``, spread over ``chunks``, and ``resonaut skim merge``."""
    data = {"nature": "data", "luminosity": 1.0, "files": list(files)} | dict(dataset or {})
    section = {"regions": {"dijet": {}, "lhco": {}}, "bad_files": {"retries": 0}} | dict(config or {})
    refusal = freeze({"datasets": {"d": data}, "skim": section})
    if refusal:
        return Try([refusal], right, words(refused), **how)
    options = ["--config", "frozen/skim.json", "--name", "d"]
    commands, summaries = [], []
    for n in range(chunks):
        events, summary = f"results/skim/d/{n:03d}.parquet", f"results/skim/d/{n:03d}.json"
        part = files[n::chunks]
        commands.append(["resonaut", "skim", "chunk", *options, "--output", events, "--summary", summary, "--", *part])
        summaries.append(summary)
    commands.append(["resonaut", "skim", "merge", *options, "--output", "results/skim/d.json", *summaries])
    return Try(commands, right, words(refused), **how)


def freeze(overlay: Mapping[str, Any]) -> list[str] | None:
    """Write the sections and datasets of a configuration as the workflow does; the refusal if it is not valid."""
    from resonaut.core import configuration, stages
    from resonaut.core.errors import ResonautError

    whole = {"search": {"stages": ["skim"]}, **overlay}
    try:
        full = configuration.validate(whole)
    except ResonautError as error:
        # What the workflow would print before its first job.
        return ["sh", "-c", 'echo "resonaut: $0" >&2; exit 2', str(error)]
    Path("frozen").mkdir(exist_ok=True)
    sections = {verb: full[verb] for verb in stages.verbs()}
    sections["skim"] = {"skim": full["skim"], "dataset": full["datasets"]["d"]}
    for name, section in sections.items():
        section = {key: value for key, value in section.items() if key not in PLANNED.get(name, ())}
        Path("frozen", f"{name}.json").write_text(json.dumps(section, sort_keys=True))
    return None


def scan(source: str, *options: str, right: Check | None, refused: str | tuple[str, ...], **how: Any) -> Try:
    """``resonaut fit scan`` at 4 TeV without toys; later options win."""
    standard = {"--sqrt-s": "13000", "--masses": "4000:4000:100", "--output": "out"}
    for name in options[::2]:
        standard.pop(name, None)
    given = [word for pair in standard.items() for word in pair]
    command = ["resonaut", "fit", "scan", "--spectrum", source, "--set", "toys=0", *given, *options]
    return Try([command], right, words(refused), **how)


def snakemake(
    overlay: Mapping[str, Any] | str | bytes,
    *arguments: str,
    right: Check | None,
    refused: str | tuple[str, ...],
    **how: Any,
) -> Try:
    """``snakemake`` in a checkout of its own, with an overlay of the demo (a mapping, or a text)."""
    for part in ("Snakefile", "workflow", "src", "config", "envs"):
        source = Path(os.environ[CLONE], part)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, part)
    if isinstance(overlay, Mapping):
        overlay = yaml.safe_dump(merged(SMALL, overlay), allow_unicode=True)
    Path("overlay.yaml").write_bytes(overlay if isinstance(overlay, bytes) else overlay.encode())
    command = ["snakemake", "--cores", "1", "--configfile", "config/config.yaml", "overlay.yaml", *arguments]
    return Try([command], right, words(refused), **({"limit": 120.0} | how))


# A search in one file of data, without machine learning.
SMALL: dict[str, Any] = {
    "search": {
        "stages": ["skim", "select", "fit"],
        "samples": {"data": ["data"], "pseudo_data": [], "background": [], "signal": []},
    },
    "datasets": {"data": {"generator": None, "files": ["a.root"], "luminosity": 20}},
    "select": {"methods": ["inclusive"]},
    "fit": {"signals": [], "limit_checks": {"masses": []}},
}


def dry_run(overlay: Mapping[str, Any] | str | bytes, right: Check | None, refused: str | tuple[str, ...]) -> Try:
    """The check of a configuration before the first job, of the overlay on ``SMALL``."""
    Path("a.root").touch()
    return snakemake(overlay, "--dry-run", "--quiet", "rules", right=right, refused=refused)


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """``other`` on top of ``one``, mapping by mapping."""
    result = dict(one)
    for key, value in other.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def words(refused: str | tuple[str, ...]) -> tuple[str, ...]:
    return (refused,) if isinstance(refused, str) else refused


def fine() -> str | None:
    """Whatever comes, if it comes without an error."""


def events(number: int, **manifest: Any) -> Check:
    """The manifest and the file hold so many events; further entries of the manifest as given."""

    def check() -> str | None:
        import pyarrow.parquet as pq

        found = load("results/skim/d.json")
        rows = sum(pq.read_metadata(path).num_rows for path in Path("results/skim/d").glob("*.parquet"))
        # Copies that are left out stay in the file; no reader gets them.
        rows -= sum(map(len, found.get("dropped", {}).values()))
        if not found["events"] == rows == number:
            return f"{found['events']} events ({rows} rows), {number} expected"
        for key, value in manifest.items():
            if abs(found[key] - value) > 1e-9 * abs(value):
                return f"{key} {found[key]}, {value} expected"
        return None

    return check


def z(value: float = inputs.Z_4000, tolerance: float = 0.01) -> Check:
    """The local significance at the first mass."""

    def check() -> str | None:
        found = load("out/scan.json")["scan"][0]["z_local"]
        return None if abs(found - value) < tolerance else f"z = {found:.3f}, {value:.3f} expected"

    return check


def done(attempt: Try, *steps: int) -> None:
    """Run commands of a try (all, or the given ones) while the next try is prepared; they have to succeed."""
    for step in steps or range(len(attempt.commands)):
        ran = execute(attempt.commands[step], attempt, Path.cwd().parent)
        if ran.code != 0:
            raise RuntimeError(ran.stderr[-500:])


def load(path: str) -> Any:
    return json.loads(Path(path).read_text())


def text(path: str, content: str | bytes) -> str:
    """Write a file, and give its name."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
