"""A HistFactory model as arrays: expected contents of all bins, and their derivatives, for many points at once.

A sample s of a channel has in bin n the contents
``(nominal + sum_k delta_k(alpha_k)) * product of factors of the sample * product of parameters of the bin``
(CERN-OPEN-2012-016). With S the largest number of samples of a channel and N bins in all, the model is arrays
(S, N), padded with zeros, and B points are (B, S, N).
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.histfactory import assembly, interpolation
from resonaut.fit.histfactory.factors import Factors
from resonaut.fit.histfactory.interpolation import Additive, Array, Multiplicative
from resonaut.fit.histfactory.parameters import Block, blocks
from resonaut.fit.histfactory.specification import Specification, Workspace, WorkspaceError

Backend = Literal["batched", "pyhf_numpy", "pyhf_torch"]
Places = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Constraints:
    """Auxiliary measurements, in pyhf's order: ``auxdata`` (M,) of the parameters ``place`` (M,).

    ``sigma`` (M,) of Gaussian ones, else NaN; ``factor`` (M,) of Poisson ones, whose mean is the parameter times it.
    """

    place: Places
    auxdata: Array
    gaussian: Mask
    sigma: Array
    factor: Array

    @staticmethod
    def of(found: Sequence[Block], starts: Mapping[str, int]) -> "Constraints":
        """Those of the parameters."""
        some = [block for block in found if block.constraint != "none"]
        place = [starts[block.name] + np.arange(block.size) for block in some]
        is_gaussian = [np.full(block.size, block.constraint == "gaussian") for block in some]
        nothing = [np.full(block.size, np.nan) for block in some]
        sigma = [block.sigmas if len(block.sigmas) else nan for block, nan in zip(some, nothing, strict=True)]
        factor = [block.factors if len(block.factors) else nan for block, nan in zip(some, nothing, strict=True)]
        return Constraints(
            np.concatenate([np.zeros(0, np.intp), *place]),
            np.concatenate([np.zeros(0), *(block.auxdata for block in some)]),
            np.concatenate([np.zeros(0, bool), *is_gaussian]),
            np.concatenate([np.zeros(0), *sigma]),
            np.concatenate([np.zeros(0), *factor]),
        )


@dataclass(frozen=True)
class Derivatives:
    """Expected contents (B, N) and what changes them.

    ``shared`` (B, N, G): by the parameters that change several bins, ``Model.shared``; ``own`` (B, N): by the one
    parameter that changes this bin alone, ``Model.own``, 0 where there is none.
    """

    expected: Array
    shared: Array
    own: Array


@dataclass(frozen=True)
class Model:
    """A compiled HistFactory model of N bins and P parameters.

    ``names`` (P,), ``start``, ``lower``, ``upper`` (P,) and ``fixed`` (P,) as the measurement sets them, in pyhf's
    order; ``channels``: the bins of each, in the order of their names; ``observed`` (N,); ``nominal`` (S, N).
    ``shared`` (G,) are the places of the parameters that change several bins, ``own`` (N,) that of the parameter which
    changes a bin alone (Barlow-Beeston-lite, mostly), or -1.
    """

    specification: Specification = field(repr=False)
    interest: str | None
    names: tuple[str, ...] = field(repr=False)
    kinds: tuple[tuple[str, ...], ...] = field(repr=False)
    start: Array = field(repr=False)
    lower: Array = field(repr=False)
    upper: Array = field(repr=False)
    fixed: Mask = field(repr=False)
    channels: Mapping[str, slice]
    samples: Mapping[str, tuple[str, ...]]
    observed: Array = field(repr=False)
    nominal: Array = field(repr=False)
    constraints: Constraints = field(repr=False)
    factors: Factors = field(repr=False)
    additive: Additive
    shifted: Places = field(repr=False)
    half: Array = field(repr=False)
    curved: Array = field(repr=False)
    layers: Places = field(repr=False)
    shared: Places = field(repr=False)
    own: Places = field(repr=False)
    backend: Backend

    @staticmethod
    def of(
        workspace: Workspace,
        measurement: str | None = None,
        normsys: Multiplicative = "code4",
        histosys: Additive = "code4p",
        backend: Backend = "batched",
    ) -> "Model":
        """The model of a workspace.

        Args:
            workspace: plain JSON data of pyhf's schema, with the modifier ``polynomial`` beside.
            measurement: the name of one of its measurements; by default the first.
            normsys: interpolation of normalisations; the defaults are those of pyhf.
            histosys: interpolation of shapes.
            backend: what finds minima, as in ``fits.minimised``.

        Raises:
            WorkspaceError: one sentence on the first fault.
        """
        specification = Specification.of(workspace, measurement)
        found, channels = blocks(specification), specification.channels
        ends = np.cumsum([0, *(block.size for block in found)])
        starts = {block.name: int(start) for block, start in zip(found, ends, strict=False)}
        edges = np.cumsum([0, *(len(channel.observed) for channel in channels)])
        bins = {one.name: slice(int(a), int(b)) for one, (a, b) in zip(channels, pairwise(edges), strict=True)}
        nominal = np.zeros((max(len(channel.samples) for channel in channels), int(edges[-1])))
        for channel in channels:
            for number, sample in enumerate(channel.samples):
                nominal[number, bins[channel.name]] = sample.contents
        shifted, half, curved = assembly.shapes(specification, bins, starts, nominal.shape)
        factors = assembly.factors(specification, starts, normsys, len(nominal))
        layers = assembly.layers(specification, found, bins, starts, nominal.shape)
        shared, own = assembly.split(int(ends[-1]), shifted, factors.places, layers)
        return Model(
            specification,
            specification.interest,
            tuple(name for block in found for name in block.names),
            tuple(block.kinds for block in found for _ in block.names),
            np.concatenate([block.start for block in found]),
            np.concatenate([block.lower for block in found]),
            np.concatenate([block.upper for block in found]),
            np.concatenate([block.fixed for block in found]),
            bins,
            {channel.name: tuple(sample.name for sample in channel.samples) for channel in channels},
            np.concatenate([channel.observed for channel in channels]),
            nominal,
            Constraints.of(found, starts),
            factors,
            histosys,
            shifted,
            half,
            curved,
            layers,
            shared,
            own,
            backend,
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all parameters (P,), ``name[bin]`` where a name has one for each bin."""
        return self.names

    @property
    def auxiliary(self) -> Array:
        """The auxiliary measurements (M,)."""
        return self.constraints.auxdata

    @property
    def data(self) -> Array:
        """Observed counts and auxiliary measurements (N + M,), as pyhf has them."""
        return np.concatenate([self.observed, self.auxiliary])

    def place(self, name: str) -> int:
        """Where a parameter is.

        Raises:
            WorkspaceError: there is none of this name.
        """
        if name not in self.names:
            close = difflib.get_close_matches(name, self.names, n=3) or self.names[:10]
            raise WorkspaceError(f"the model has no parameter {name!r}; there are {', '.join(close)}.")
        return self.names.index(name)

    def expected(self, theta: Array) -> Array:
        """Expected contents (B, N) at parameters (B, P), or (N,) at (P,)."""
        theta = np.asarray(theta, float)
        return np.asarray(self.by_sample(np.atleast_2d(theta)).sum(axis=1)).reshape(*theta.shape[:-1], -1)

    def by_sample(self, theta: Array) -> Array:
        """Expected contents (B, S, N) of each sample at parameters (B, P)."""
        added, factor = self._parts(theta)
        return added * factor * self._scale(theta)

    def expected_auxiliary(self, theta: Array) -> Array:
        """Expected auxiliary measurements (B, M) at parameters (B, P)."""
        mean = theta[:, self.constraints.place]
        return np.where(self.constraints.gaussian, mean, mean * np.nan_to_num(self.constraints.factor))

    def expected_data(self, theta: Array) -> Array:
        """Asimov data (B, N + M) at parameters (B, P), or (N + M,) at (P,); contents below 0 are 0."""
        theta = np.asarray(theta, float)
        both = np.atleast_2d(theta)
        made = np.concatenate([np.maximum(self.expected(both), 0.0), self.expected_auxiliary(both)], axis=1)
        return made.reshape(*theta.shape[:-1], -1)

    def jacobian(self, theta: Array) -> Array:
        """Derivatives (B, N, P) of the expected contents at parameters (B, P), or (N, P) at (P,)."""
        theta = np.asarray(theta, float)
        found = self.derivatives(np.atleast_2d(theta))
        full = np.zeros((*found.own.shape, len(self.names)))
        full[:, :, self.shared] = found.shared
        bins = np.flatnonzero(self.own >= 0)
        full[:, bins, self.own[bins]] = found.own[:, bins]
        return full.reshape(*theta.shape[:-1], *full.shape[1:])

    def derivatives(self, theta: Array) -> Derivatives:
        """Expected contents and derivatives at parameters (B, P)."""
        added, factor = self._parts(theta)
        scale = self._scale(theta)
        both = factor * scale
        column = np.full(len(self.names) + 1, -1)
        column[self.shared] = np.arange(len(self.shared))
        shared = np.zeros((len(theta), added.shape[2], len(self.shared)))
        self._add_shapes(shared, theta, both, column)
        self._add_factors(shared, theta, added * scale, column)
        own = self._add_bins(shared, theta, added * factor, column)
        return Derivatives((added * both).sum(axis=1), shared, own)

    def _parts(self, theta: Array) -> tuple[Array, Array]:
        """Nominal contents with their shifts, and the factors of the samples, both (B, S, N)."""
        alpha = theta[:, self.shifted]
        basis = np.concatenate([alpha, interpolation.bend(alpha, self.additive)[0]], axis=1)
        shifts = basis @ np.concatenate([self.half, self.curved]).reshape(basis.shape[1], self.nominal.size)
        return self.nominal + shifts.reshape(len(theta), *self.nominal.shape), self.factors.of_bins(theta)

    def _scale(self, theta: Array) -> Array:
        """Product (B, S, N) of the parameters of bins."""
        return np.asarray(np.prod(_with_one(theta)[:, self.layers], axis=1))

    def _add_shapes(self, shared: Array, theta: Array, both: Array, column: Places) -> None:
        """Of the additive shifts, one matrix product for each bin."""
        if not len(self.shifted):
            return
        weights = both.transpose(2, 0, 1)  # (N, B, S)
        slope = interpolation.bend(theta[:, self.shifted], self.additive)[1]
        straight = weights @ self.half.transpose(2, 1, 0)  # (N, B, K)
        straight += slope * (weights @ self.curved.transpose(2, 1, 0))
        shared[:, :, column[self.shifted]] += straight.transpose(1, 0, 2)

    def _add_factors(self, shared: Array, theta: Array, rest: Array, column: Places) -> None:
        """Of the factors of samples, one matrix product for each channel."""
        slopes = self.factors.slopes(theta)  # (B, C, S, F)
        to = column[self.factors.places]
        for number, bins in enumerate(self.channels.values()):
            shared[:, bins, to] += rest[:, :, bins].transpose(0, 2, 1) @ slopes[:, number]

    def _add_bins(self, shared: Array, theta: Array, rest: Array, column: Places) -> Array:
        """Of the parameters of bins: those of several bins are added, the others (B, N) returned."""
        own = np.zeros((len(theta), rest.shape[2]))
        every, nothing = np.arange(rest.shape[2]), len(self.names)
        for layer, places in enumerate(self.layers):
            others = np.prod(_with_one(theta)[:, np.delete(self.layers, layer, axis=0)], axis=1) * rest
            for sample, place in enumerate(places):
                mine = place == self.own
                own += np.where(mine, others[:, sample], 0.0)
                bins = every[~mine & (place < nothing)]
                shared[:, bins, column[place[bins]]] += others[:, sample, bins]
        return own


def _with_one(theta: Array) -> Array:
    """Parameters (B, P + 1); the last is 1, that of what has no parameter."""
    return np.concatenate([theta, np.ones((len(theta), 1))], axis=1)
