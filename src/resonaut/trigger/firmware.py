"""A network in integers as C++ with hls4ml's templates, compiled by g++: what the emulator must agree with.

The package ``hls4ml`` (Fast Machine Learning, doi:10.5281/zenodo.1201549) holds the templates of its layers and AMD's
``ap_fixed``; no synthesis tool is needed. It is optional: ``pip install 'resonaut[firmware]'``.
"""

import ctypes
import importlib.metadata
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.trigger import emulator
from resonaut.trigger.arithmetic import Raw
from resonaut.trigger.emulator import INPUT
from resonaut.trigger.formats import fixed
from resonaut.trigger.results import Cast, Dense, Dot, IntegerNetwork, Operation, Relu, Scaling, Verification

HEADERS = ("nnet_activation", "nnet_dense", "nnet_merge")
PRODUCT = "template <class x_T, class y_T> using product = nnet::product::mult<x_T, y_T>;"
KERNEL = "template <class d_T, class r_T, class c_T> using kernel = nnet::DenseLatency<d_T, r_T, c_T>;"


def templates() -> Path:
    """The folder of hls4ml's templates.

    Raises:
        ConfigError: hls4ml is not installed.
    """
    found = importlib.util.find_spec("hls4ml")
    if found is None or found.origin is None:
        raise ConfigError(
            "hls4ml, whose C++ the network is compared with, is missing; pip install 'resonaut[firmware]'."
        )
    return Path(found.origin).parent / "templates" / "vivado"


def source(network: IntegerNetwork) -> str:
    """The C++ of a network, with a function ``run(inputs, scores, n)`` of 64-bit integers."""
    sizes, types = {INPUT: len(network.inputs)}, {INPUT: network.input}
    places = {INPUT: "x0"}
    declared, body = list[str](), list[str]()
    for number, one in enumerate(network.operations, start=1):
        places[one.name], types[one.name] = f"x{number}", one.result
        sizes[one.name] = len(one.biases) if isinstance(one, Dense) else 1 if isinstance(one, Dot) else sizes[one.reads]
        declared += _declared(one, number, sizes[one.reads])
        body.append(f"  static {one.result} x{number}[{sizes[one.name]}];")
        body.append(f"  {_call(one, number, types, places)}")
    last = network.operations[-1]
    width, signed = fixed(last.result).width, fixed(last.result).signed
    integer = f"ap_{'' if signed else 'u'}int<{width}>"
    lines = [
        '#include "ap_fixed.h"',
        '#include "ap_int.h"',
        *(f'#include "nnet_utils/{header}.h"' for header in HEADERS),
        *declared,
        f"static void score(const long long *integers, {last.result} &found) {{",
        *_scaled(network.scaling, network.input, len(network.inputs)),
        *body,
        f"  found = {places[last.name]}[0];",
        "}",
        'extern "C" void run(const long long *inputs, long long *scores, long n) {',
        f"  for (long i = 0; i < n; i++) {{ {last.result} found; score(inputs + i * {len(network.inputs)}, found);",
        f"    {integer} bits; bits.range() = found.range(); scores[i] = bits.to_int64(); }}",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _scaled(scaling: Scaling | None, form: str, inputs: int) -> Iterator[str]:
    """As CMS's emulator of AXOL1TL has it."""
    yield f"  static {form} x0[{inputs}];"
    if scaling is None:
        yield f"  for (int i = 0; i < {inputs}; i++) x0[i] = ({form})(ap_int<32>)integers[i];"
        return
    shifts = ", ".join(map(str, scaling.shifts))
    yield f"  static const int shift[{inputs}] = {{{shifts}}};"
    yield f"  static const {scaling.offset} offset[{inputs}] = {{{_numbers(scaling.offsets, scaling.offset)}}};"
    yield f"  for (int i = 0; i < {inputs}; i++) {{"
    yield f"    {scaling.unscaled} unscaled = (ap_int<32>)integers[i];"
    yield f"    {scaling.unscaled} moved = unscaled - offset[i];"
    yield "    x0[i] = moved >> shift[i];"
    yield "  }"


def _declared(one: Operation, number: int, size: int) -> list[str]:
    """The configuration of a layer, and its numbers."""
    if isinstance(one, Relu | Cast):
        return [f"struct config{number} : nnet::activ_config {{ static const unsigned n_in = {size}; }};"]
    if isinstance(one, Dot):
        return [
            f"struct config{number} : nnet::dot_config {{ static const unsigned n_in = {size}, n_out = 1,",
            f"  multiplier_limit = {size}, reuse_factor = 1; typedef {one.accumulator} accum_t; {PRODUCT} }};",
        ]
    if isinstance(one, Dense):
        outputs = len(one.biases)
        weights = [value for row in one.weights for value in row]
        return [
            f"struct config{number} : nnet::dense_config {{ static const unsigned n_in = {size}, n_out = {outputs},",
            f"  multiplier_limit = {size * outputs}; typedef {one.accumulator} accum_t; typedef {one.bias} bias_t;",
            f"  typedef {one.weight} weight_t; {PRODUCT} {KERNEL} }};",
            f"static {one.weight} w{number}[] = {{{_numbers(weights, one.weight)}}};",
            f"static {one.bias} b{number}[] = {{{_numbers(one.biases, one.bias)}}};",
        ]
    return [
        f"struct config{number} : nnet::merge_config {{ static const unsigned n_elem1 = {size}, n_elem2 = {size},",
        f"  n_elem = {size}; }};",
    ]


def _numbers(raw: list[int], text: str) -> str:
    """The values of integers, which floating-point literals hold exactly."""
    return ", ".join(repr(value * 2.0 ** -fixed(text).fraction) for value in raw)


def _call(one: Operation, number: int, types: dict[str, str], places: dict[str, str]) -> str:
    given, read = f"x{number}", places[one.reads]
    if isinstance(one, Dense):
        return f"nnet::dense<{types[one.reads]}, {one.result}, config{number}>({read}, {given}, w{number}, b{number});"
    if isinstance(one, Relu | Cast):
        layer = "relu" if isinstance(one, Relu) else "linear"
        return f"nnet::{layer}<{types[one.reads]}, {one.result}, config{number}>({read}, {given});"
    layer = "dot1d" if isinstance(one, Dot) else "subtract"
    both = f"{types[one.reads]}, {types[one.other]}"
    return f"nnet::{layer}<{both}, {one.result}, config{number}>({read}, {places[one.other]}, {given});"


def score(network: IntegerNetwork, integers: Raw) -> Raw:
    """The score of inputs in hardware integers (n, inputs) by the compiled C++, in integers of its format.

    Raises:
        ConfigError: hls4ml or g++ is missing, or the C++ does not compile.
    """
    folder = templates()
    compiler = shutil.which("g++")
    if compiler is None:
        raise ConfigError("g++, which compiles the network, is missing; install it.")
    with tempfile.TemporaryDirectory() as temporary:
        code, library = Path(temporary) / "network.cpp", Path(temporary) / "network.so"
        code.write_text(source(network))
        own = ["-O1", "-fPIC", "-shared", "-std=c++17", "-w", f"-I{folder}", f"-I{folder / 'ap_types'}"]
        done = subprocess.run(
            [compiler, *own, str(code), "-o", str(library)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ConfigError(f"g++ does not compile the network: {done.stderr.strip().splitlines()[0]}")
        run = ctypes.CDLL(str(library)).run
        inputs = np.ascontiguousarray(integers, np.int64)
        found = np.zeros(len(inputs), np.int64)
        pointer = ctypes.POINTER(ctypes.c_longlong)
        run(inputs.ctypes.data_as(pointer), found.ctypes.data_as(pointer), ctypes.c_long(len(inputs)))
    return found


def verify(network: IntegerNetwork, integers: Raw) -> Verification:
    """Compare the compiled C++ with the emulator on inputs in hardware integers, (n, inputs).

    Raises:
        ConfigError: hls4ml or g++ is missing, or the C++ does not compile.
    """
    emulated = emulator.score(network, integers)
    difference = np.abs(score(network, integers) - emulated)
    return Verification(
        hls4ml=importlib.metadata.version("hls4ml"),
        crossings=len(emulated),
        different=int((difference > 0).sum()),
        largest=int(difference.max(initial=0)),
        scores=len(np.unique(emulated)),
    )
