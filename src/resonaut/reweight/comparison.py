"""``resonaut reweight compare``: two files of events, and what tells them apart."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.core.files import folder
from resonaut.core.results import write
from resonaut.learn.ratio import Sample
from resonaut.learn.twosample.comparison import compare
from resonaut.learn.twosample.figure import draw
from resonaut.learn.twosample.verdict import sentence, table
from resonaut.reweight.results import Comparison
from resonaut.reweight.sources import Source, common, open_source


def compare_files(first: str, second: str, columns: str | None, weights: Sequence[str], output: Path) -> str:
    """Compare the events of two files; write ``comparison.json`` and ``comparison.png`` into ``output``.

    Args:
        first: Parquet, CSV, ROOT file or manifest.
        second: the other one.
        columns: names with commas between them; None for all that both have.
        weights: the column of the weights of both, or one for each; ``1`` for none, nothing for what the files know.
        output: a folder.

    Returns:
        What the terminal shows.

    Raises:
        ResonautError: a file cannot be read, or its events cannot be compared.
    """
    sources = open_source(first), open_source(second)
    if len(weights) > len(sources):
        raise ConfigError(f"--weight is there {len(weights)} times; give it once for both files, or once for each.")
    of_each = (list(weights) * 2)[:2] if weights else [None, None]
    for source, weight in zip(sources, of_each, strict=True):
        source.require([weight] if weight not in (None, "1") else [], "--weight")
    names = _chosen(sources, columns, [weight for weight in of_each if weight])
    samples = [source.sample(names, weight) for source, weight in zip(sources, of_each, strict=True)]
    constant = _constant(samples, names)
    left_out = [] if columns else [f"{name!r} has one value only and is left out" for name in constant]
    if not columns and len(constant) < len(names):
        kept = [i for i, name in enumerate(names) if name not in constant]
        names = [names[i] for i in kept]
        samples = [Sample(one.features[:, kept], one.weights, one.keys) for one in samples]
    report = compare(samples[0], samples[1], names, called=(first, second))
    said = sentence(report, (first, second))
    with folder(output, "compare") as partial:
        found = Comparison(first=first, second=second, weights=_named(sources, of_each), sentence=said, report=report)
        write(partial / "comparison.json", found)
        draw(report, (first, second), partial / "comparison.png", {**sources[1].labels, **sources[0].labels})
    weighted = ", ".join(f"{path}: {weight}" for path, weight in zip((first, second), found.weights, strict=True))
    notes = [*left_out, *report.warnings, f"weights of {weighted}", f"figure and numbers: {output}"]
    return "\n".join([said, "", table(report), "", *notes])


def _chosen(sources: tuple[Source, Source], columns: str | None, weights: Sequence[str]) -> list[str]:
    """The columns to compare."""
    if columns is None:
        names = [name for name in common(*sources) if name not in weights]
    else:
        names = [name.strip() for name in columns.split(",") if name.strip()]
        for source in sources:
            source.require(names, "--columns")
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"--columns {columns!r} names {'a column twice' if names else 'no column'}; give a,b,c.")
    return names


def _constant(samples: Sequence[Sample], names: Sequence[str]) -> list[str]:
    """The columns with one value in all events."""
    first = samples[0].features[:1] if len(samples[0].features) else samples[1].features[:1]
    return [name for i, name in enumerate(names) if all(np.all(one.features[:, i] == first[:, i]) for one in samples)]


def _named(sources: tuple[Source, Source], weights: Sequence[str | None]) -> tuple[str, str]:
    """In words, which weights count."""
    one, other = (
        weight or ("those of the dataset" if source.weights else "1")
        for source, weight in zip(sources, weights, strict=True)
    )
    return one, other
