"""Graphs that are written here are those that onnxruntime reads."""

import doctest

import numpy as np
import pytest

from resonaut.learn import onnx
from resonaut.learn.onnx import Graph, batch_norm, numbers, session, sizes


def test_the_example_of_the_module() -> None:
    found = doctest.testmod(onnx, extraglobs={"np": np})
    assert (found.attempted, found.failed) == (4, 0)


def test_all_kinds_of_constants_and_attributes() -> None:
    """Integers below zero and above 127, numbers, names, lists, and several outputs, of which one is taken."""
    graph = Graph()
    wide = graph.node("Pad", "x", sizes(0, 150), np.float32(-2.5), sizes(-1), mode="constant")
    product = graph.node("Gemm", wide, numbers(np.eye(153)[:, ::-1]), alpha=0.5, transB=1)
    _, last = graph.outputs(2, "Split", product, axis=-1, num_outputs=2)
    turned = graph.node("Transpose", graph.node("Where", np.bool_(True), last, np.float32(0)), perm=[1, 0])
    double = graph.node("Mul", graph.node("Cast", turned, to=onnx.DOUBLE), np.float64(2))
    model = graph.model({"x": (np.float32, ("n", 3))}, {double: (np.float64, (76, "n"))})
    (found,) = session(model).run(None, {"x": np.array([[1, 2, 3], [4, 5, 6]], np.float32)})
    assert found.dtype == np.float64
    expected = np.column_stack([[-2.5] * 73 + [3, 2, 1], [-2.5] * 73 + [6, 5, 4]])
    np.testing.assert_allclose(found, expected)


def test_a_batch_normalisation_is_scale_and_shift() -> None:
    state = {"bn.weight": [2.0], "bn.bias": [1.0], "bn.running_mean": [3.0], "bn.running_var": [4.0]}
    scale, shift = batch_norm({name: numbers(values) for name, values in state.items()}, "bn")
    assert scale * 5 + shift == pytest.approx(2 * (5 - 3) / np.sqrt(4 + 1e-5) + 1)


def test_threads_are_those_of_the_command_line(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    graph = Graph()
    shape = (np.float32, (1,))
    options = session(graph.model({"x": shape}, {graph.node("Relu", "x"): shape})).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)
