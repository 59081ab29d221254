"""ONNX graphs, written without torch and run by onnxruntime.

Only the few fields of the format (onnx.proto, https://onnx.ai/onnx/repo-docs/IR.html) that a network needs. A graph
runs no code of its own: onnxruntime knows every operation, or refuses it.
"""

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The versions of the format, of the operations of ai.onnx, of those of onnxruntime, and of trees.
FORMAT, OPERATIONS, CONTRIBUTED, TREES = 11, 23, 1, 3
# Numbers of onnx.proto: element types of tensors, and types of attributes.
FLOAT, INTEGER, BOOLEAN, DOUBLE = 1, 7, 9, 11
_ELEMENTS = {np.dtype("f4"): FLOAT, np.dtype("i8"): INTEGER, np.dtype("?"): BOOLEAN, np.dtype("f8"): DOUBLE}
_FLOAT, _INT, _STRING, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 6, 7, 8

State = Mapping[str, NDArray[Any]]
Input = str | NDArray[Any] | np.generic
Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]


class Graph:
    """A graph in the making: operations on tensors, which are known by name; an array is a constant.

    >>> graph = Graph()
    >>> tripled = graph.node("Mul", "x", numbers([3.0]))
    >>> model = graph.model({"x": (np.float32, ("n", 2))}, {tripled: (np.float32, ("n", 2))})
    >>> session(model).run(None, {"x": np.ones((1, 2), np.float32)})[0].tolist()
    [[3.0, 3.0]]
    """

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def node(self, operation: str, *inputs: Input, domain: str = "", **attributes: Attribute) -> str:
        """Add an operation; the name of its output."""
        return self.outputs(1, operation, *inputs, domain=domain, **attributes)[0]

    def outputs(
        self, count: int, operation: str, *inputs: Input, domain: str = "", **attributes: Attribute
    ) -> list[str]:
        """Add an operation with so many outputs; their names."""
        taken = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        made = [f"{operation}_{len(self._nodes)}_{i}" for i in range(count)]
        body = [*(_field(1, name) for name in taken), *(_field(2, name) for name in made), _field(4, operation)]
        body += [_field(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(b"".join(body) + (_field(7, domain) if domain else b""))
        return made

    def trees(self, values: str, state: State, branch: Literal["BRANCH_LT", "BRANCH_LEQ"]) -> str:
        """Add boosted trees of the tensor ``values`` (n, features); the name of their sum (n, outputs).

        Args:
            values: the name of the tensor.
            state: the nodes of all trees, one an entry: ``tree``, ``node`` (number in the tree), ``leaf``, ``feature``,
                ``threshold``, ``left``, ``right`` and, of leaves, ``output`` and ``value``; ``baseline`` by output.
            branch: whether values below a threshold go left, or those not above it.
        """
        leaf, inner = state["leaf"], ~state["leaf"]
        return self.node(
            "TreeEnsembleRegressor",
            values,
            domain="ai.onnx.ml",
            n_targets=len(state["baseline"]),
            base_values=state["baseline"].tolist(),
            nodes_treeids=state["tree"].tolist(),
            nodes_nodeids=state["node"].tolist(),
            nodes_featureids=state["feature"].tolist(),
            nodes_values=np.where(inner, state["threshold"], 0).tolist(),
            nodes_modes=np.where(leaf, "LEAF", branch).tolist(),
            nodes_truenodeids=np.where(inner, state["left"], 0).tolist(),
            nodes_falsenodeids=np.where(inner, state["right"], 0).tolist(),
            target_treeids=state["tree"][leaf].tolist(),
            target_nodeids=state["node"][leaf].tolist(),
            target_ids=state["output"][leaf].tolist(),
            target_weights=state["value"][leaf].tolist(),
        )

    def _constant(self, value: NDArray[Any] | np.generic) -> str:
        values = np.asarray(value)
        name = f"constant_{len(self._constants)}"
        body = [*(_field(1, size) for size in values.shape), _field(2, _ELEMENTS[values.dtype]), _field(8, name)]
        self._constants.append(b"".join(body) + _field(9, np.ascontiguousarray(values).tobytes()))
        return name

    def model(self, inputs: Mapping[str, tuple[Any, Any]], outputs: Mapping[str, tuple[Any, Any]]) -> bytes:
        """The content of a file; inputs and outputs have a type and sizes, of which those with a name are open."""
        body = [*(_field(1, node) for node in self._nodes), _field(2, "network")]
        body += [_field(5, constant) for constant in self._constants]
        body += [_field(11, _value(name, *shape)) for name, shape in inputs.items()]
        body += [_field(12, _value(name, *shape)) for name, shape in outputs.items()]
        sets = {"": OPERATIONS, "com.microsoft": CONTRIBUTED, "ai.onnx.ml": TREES}
        imports = [_field(8, _field(1, domain) + _field(2, version)) for domain, version in sets.items()]
        return b"".join([_field(1, FORMAT), _field(7, b"".join(body)), *imports])


def described(model: bytes, facts: Mapping[str, str]) -> bytes:
    """The content of a file with facts, by name, that a session's ``get_modelmeta().custom_metadata_map`` has."""
    # Fields of a protocol buffer may follow in any order, so that those of one more message can be put behind it.
    return model + b"".join(_field(14, _field(1, name) + _field(2, value)) for name, value in facts.items())


def numbers(values: ArrayLike) -> NDArray[np.float32]:
    """A constant of floating-point numbers."""
    return np.asarray(values, np.float32)


def sizes(*values: int) -> NDArray[np.int64]:
    """A constant of integers, such as a shape."""
    return np.asarray(values, np.int64)


def batch_norm(state: State, name: str, eps: float = 1e-5) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a batch normalisation does to a trained network's values: scale and shift of each channel."""
    weight, bias, mean, variance = (
        state[f"{name}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(variance + eps)
    return scale, bias - mean * scale


def session(model: bytes, device: str = "cpu") -> Any:
    """The ``onnxruntime.InferenceSession`` of a file's content, on as many threads as the numerical libraries have.

    A job reads what its rule names: weights in a file beside this one are not found. Errors are raised, not printed.
    """
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    # What the command line has set for all numerical libraries.
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    providers = ["CPUExecutionProvider"] if device == "cpu" else ["CUDAExecutionProvider", "CPUExecutionProvider"]
    return onnxruntime.InferenceSession(model, options, providers=providers)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _field(number: int, value: int | float | str | bytes) -> bytes:
    """A field of a protocol buffer: its number, the type on the wire, and the value."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        body = _field(3, value) + _field(20, _INT)
    elif isinstance(value, float):
        body = _field(2, value) + _field(20, _FLOAT)
    elif isinstance(value, str):
        body = _field(4, value) + _field(20, _STRING)
    else:
        # Of a list the first entry tells the kind.
        kind, number = {float: (_FLOATS, 7), str: (_STRINGS, 9)}.get(type(next(iter(value), 0)), (_INTS, 8))
        body = b"".join(_field(number, entry) for entry in value) + _field(20, kind)
    return _field(1, name) + body


def _value(name: str, kind: Any, shape: Iterable[int | str]) -> bytes:
    """Name, type and shape of an input or output."""
    dimensions = [_field(1, _field(2 if isinstance(size, str) else 1, size)) for size in shape]
    tensor = _field(1, _ELEMENTS[np.dtype(kind)]) + _field(2, b"".join(dimensions))
    return _field(1, name) + _field(2, _field(1, tensor))
