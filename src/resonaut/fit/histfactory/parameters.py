"""The parameters of a HistFactory model: order, starts, bounds and constraints, which are those of pyhf."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from resonaut.fit.histfactory.specification import (
    MODIFIERS,
    Array,
    Channel,
    Modifier,
    Sample,
    Specification,
    WorkspaceError,
)

# Starts and bounds where a measurement gives none.
SCALED = (0.0, 10.0)
ALPHA = (-5.0, 5.0)
GAMMA = (1e-10, 10.0)
COUPLING = (-10.0, 10.0)


@dataclass(frozen=True)
class Block:
    """Parameters of one name: a number, or one for each bin.

    ``kinds``: of the modifiers with this name; ``sigmas`` (n,) of a Gaussian constraint, ``factors`` (n,) of a
    Poisson one, by the ``auxdata`` (n,); without a constraint all three are empty.
    """

    name: str
    kinds: tuple[str, ...]
    scalar: bool
    start: Array
    lower: Array
    upper: Array
    fixed: np.ndarray[Any, np.dtype[np.bool_]]
    constraint: Literal["none", "gaussian", "poisson"]
    auxdata: Array
    sigmas: Array
    factors: Array

    @property
    def size(self) -> int:
        """How many numbers."""
        return len(self.start)

    @property
    def names(self) -> list[str]:
        """One name for each number, ``name[bin]`` where there are several."""
        return [self.name] if self.scalar else [f"{self.name}[{place}]" for place in range(self.size)]


def uses(specification: Specification) -> Iterator[tuple[Channel, Sample, Modifier]]:
    """Each modifier of each sample of each channel."""
    for channel in specification.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                yield channel, sample, modifier


def blocks(specification: Specification) -> list[Block]:
    """The parameters in pyhf's order: by type of modifier, then as channels, samples and names come.

    Raises:
        WorkspaceError: modifiers of one name contradict each other, or the measurement sets what is not there.
    """
    found: dict[str, Block] = {}
    for kind in MODIFIERS:
        for made in _of_kind(specification, kind):
            known = found.setdefault(made.name, made)
            if known is not made:
                _require_equal(known, made)
                found[made.name] = _with_kind(known, kind)
    for name in specification.settings.keys() - found.keys():
        # As pyhf does: measurements of several models share their settings.
        if name == specification.interest:
            raise WorkspaceError(f"the parameter of interest {name!r} belongs to no modifier; add it to a sample.")
    if not found:
        raise WorkspaceError("the workspace has no modifier, so that nothing can be fitted; add one.")
    if specification.interest is not None and specification.interest not in found:
        raise WorkspaceError(
            f"the parameter of interest {specification.interest!r} of measurement {specification.measurement!r} "
            "belongs to no modifier; add it to a sample."
        )
    return [_set(block, specification.settings.get(block.name, {})) for block in found.values()]


def _of_kind(specification: Specification, kind: str) -> Iterator[Block]:
    """Those of one type of modifier, each name once; of a ``shapefactor`` as many bins as its first channel."""
    if kind == "staterror":
        yield from _statistical(specification)
        return
    seen: dict[str, tuple[Channel, Sample]] = {}
    for channel, sample, modifier in uses(specification):
        if modifier.kind != kind:
            continue
        for name in modifier.parameters or (modifier.name,):
            if name in seen and kind in ("shapesys", "shapefactor"):
                _require_shareable(kind, name, seen[name], (channel, sample))
            if name not in seen:
                seen[name] = channel, sample
                yield _made(name, kind, sample, modifier)


def _require_shareable(kind: str, name: str, first: tuple[Channel, Sample], other: tuple[Channel, Sample]) -> None:
    where = f"samples {first[1].name!r} of channel {first[0].name!r} and {other[1].name!r} of {other[0].name!r}"
    if kind == "shapesys":
        raise WorkspaceError(f"the shapesys {name!r} is there twice, in {where}; its bins are of one; rename one.")
    if len(first[1].contents) != len(other[1].contents):
        raise WorkspaceError(f"the shapefactor {name!r} is in {where}, of different numbers of bins; rename one.")


def _made(name: str, kind: str, sample: Sample, modifier: Modifier) -> Block:
    if kind in ("histosys", "normsys"):
        return _block(name, kind, 0.0, ALPHA, auxdata=np.zeros(1), sigmas=np.ones(1))
    if kind == "lumi":
        # Value and width are the measurement's.
        return _block(name, kind, np.nan, (np.nan, np.nan), auxdata=np.full(1, np.nan), sigmas=np.full(1, np.nan))
    if kind in ("normfactor", "polynomial"):
        return _block(name, kind, 1.0, SCALED if kind == "normfactor" else COUPLING)
    bins = len(sample.contents)
    if kind == "shapefactor":
        return _block(name, kind, 1.0, SCALED, bins)
    assert modifier.errors is not None
    known = (sample.contents > 0) & (modifier.errors > 0)
    factors = np.ones(bins)
    factors[known] = sample.contents[known] ** 2 / modifier.errors[known] ** 2
    return _block(name, kind, 1.0, GAMMA, bins, ~known, factors, factors=factors)


def _statistical(specification: Specification) -> Iterator[Block]:
    """Barlow-Beeston-lite: one parameter a bin for the sum of all samples with the ``staterror`` of a name."""
    for name in sorted({modifier.name for _, _, modifier in uses(specification) if modifier.kind == "staterror"}):
        sigmas = []
        for channel in specification.channels:
            found = [
                (sample.contents, np.zeros(0) if modifier.errors is None else modifier.errors)
                for sample in channel.samples
                for modifier in sample.modifiers
                if modifier.kind == "staterror" and modifier.name == name
            ]
            if found:
                total = np.sum([contents for contents, _ in found], axis=0)
                variance = np.sum([np.square(errors) for _, errors in found], axis=0)
                sigmas.append(np.sqrt(variance) / np.where(total > 0, total, np.inf))
        relative = np.concatenate(sigmas)
        fixed = relative == 0
        relative[fixed] = 1.0
        ones = np.ones(len(relative))
        yield _block(name, "staterror", 1.0, GAMMA, len(relative), fixed, ones, sigmas=relative)


def _block(
    name: str,
    kind: str,
    start: float,
    bounds: tuple[float, float],
    bins: int | None = None,
    fixed: Any = None,
    auxdata: Array | None = None,
    sigmas: Array | None = None,
    factors: Array | None = None,
) -> Block:
    size, nothing = bins or 1, np.zeros(0)
    return Block(
        name,
        (kind,),
        bins is None,
        np.full(size, start),
        np.full(size, bounds[0]),
        np.full(size, bounds[1]),
        np.zeros(size, bool) if fixed is None else fixed,
        "gaussian" if sigmas is not None else "poisson" if factors is not None else "none",
        nothing if auxdata is None else auxdata,
        nothing if sigmas is None else sigmas,
        nothing if factors is None else factors,
    )


def _with_kind(block: Block, kind: str) -> Block:
    return replace(block, kinds=(*block.kinds, kind))


def _require_equal(known: Block, other: Block) -> None:
    """Modifiers of one name share the parameter: start, bounds and constraint have to be the same."""
    # A coupling may multiply a sample alone, too.
    if {*known.kinds, *other.kinds} <= {"normfactor", "polynomial"}:
        return
    if known.constraint != other.constraint or known.size != other.size or known.scalar != other.scalar:
        raise WorkspaceError(
            f"{known.name!r} is the name of a {known.kinds[0]} and of a {other.kinds[0]}, which cannot share a "
            "parameter; rename one."
        )
    for mine, theirs in ((known.auxdata, other.auxdata), (known.sigmas, other.sigmas)):
        if not np.array_equal(mine, theirs):
            raise WorkspaceError(f"{known.name!r} is the name of different constraints; rename one.")


def _set(block: Block, settings: Any) -> Block:
    """The parameters as the measurement sets them."""
    given: dict[str, Any] = {}
    names = {"inits": "start", "auxdata": "auxdata", "sigmas": "sigmas", "factors": "factors"}
    for key, name in names.items():
        if key in settings:
            if len(settings[key]) != max(len(getattr(block, name)), 0):
                raise WorkspaceError(
                    f"{key!r} of parameter {block.name!r} has {len(settings[key])} values, and needs "
                    f"{len(getattr(block, name))}; correct it in the measurement."
                )
            given[name] = settings[key]
    if "bounds" in settings:
        bounds = settings["bounds"]
        if len(bounds) != block.size:
            raise WorkspaceError(
                f"'bounds' of parameter {block.name!r} has {len(bounds)} pairs, and needs {block.size}; correct it."
            )
        given |= {"lower": bounds[:, 0], "upper": bounds[:, 1]}
    fixed = block.fixed | bool(settings.get("fixed", False))
    made = replace(block, **given, fixed=fixed)
    if not all(np.isfinite(values).all() for values in (made.start, made.auxdata, made.sigmas, made.lower)):
        raise WorkspaceError(
            f"the measurement does not say what {made.name!r} is; give its 'auxdata', 'sigmas', 'inits' and 'bounds'."
        )
    if (made.sigmas <= 0).any() or (made.factors <= 0).any():
        raise WorkspaceError(f"'sigmas' or 'factors' of parameter {made.name!r} are not above 0; correct them.")
    outside = (made.start < made.lower) | (made.start > made.upper)
    if outside.any():
        raise WorkspaceError(f"parameter {made.name!r} starts outside its bounds; correct 'inits' or 'bounds'.")
    return made
