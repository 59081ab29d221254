"""Particle Transformer as an ONNX graph; every pair of constituents is embedded once, and normalisations are folded."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resonaut.learn.onnx import DOUBLE, FLOAT, Graph, State, batch_norm, numbers, sizes
from resonaut.tag.ends import ends
from resonaut.tag.inputs import names

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig

Floats = NDArray[np.float64]

# Least values before a logarithm or a division, as in weaver-core.
LEAST, LEAST_ENERGY = 1e-8, 1e-20
# Added to the attention that padding gets.
PADDED = -1e30


def model(state: State, settings: "NetworkConfig") -> bytes:
    """The network as an ONNX file.

    From ``features`` (n, f, p), ``vectors`` (n, 4, p) and ``mask`` (n, 1, p) to ``probabilities`` (n, outputs).
    """
    sizes = settings.transformer
    network = _Network(state, sizes.heads)
    x = network.embedded(len(sizes.embed_dims))
    bias = network.pair_bias(len(sizes.pair_embed_dims) + 1)
    for block in range(sizes.layers):
        x = network.block(f"blocks.{block}", x, bias)
    token = network.class_token()
    for block in range(sizes.class_layers):
        token = network.class_block(f"cls_blocks.{block}", token, x)
    outputs = ends(network, network.normalised(token, "norm"), "fc.0", state, settings)
    inputs = {
        "features": (np.float32, ("n", len(names(settings.inputs)), "p")),
        "vectors": (np.float32, ("n", 4, "p")),
        "mask": (np.bool_, ("n", 1, "p")),
    }
    return network.model(inputs, outputs)


class _Network(Graph):
    """The graph in the making; constituents are rows, (n p, width)."""

    def __init__(self, state: State, heads: int) -> None:
        super().__init__()
        self.state = {name.removeprefix("mod."): values for name, values in state.items()}
        self.heads, self.width = heads, len(self.state["norm.weight"])
        shape = self.node("Shape", "mask")
        self.jets, self.places = (self.node("Gather", shape, sizes(axis)) for axis in (0, 2))
        # (n, 1, 1, p), which all heads and queries share.
        padding = self.node("Where", "mask", np.float32(0), np.float32(PADDED))
        self.padding = self.node("Unsqueeze", padding, sizes(1))

    def linear(self, x: str, name: str) -> str:
        """A linear layer."""
        return self._product(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def normalised(self, x: str, name: str) -> str:
        """A layer normalisation."""
        weight, bias = numbers(self.state[f"{name}.weight"]), numbers(self.state[f"{name}.bias"])
        return self.node("LayerNormalization", x, weight, bias, axis=-1, epsilon=1e-5)

    def embedded(self, layers: int) -> str:
        """The constituents' embedding; that of padding gets no attention."""
        scale, shift = batch_norm(self.state, "embed.input_bn")
        x = self.node("Reshape", self.node("Transpose", "features", perm=[0, 2, 1]), sizes(-1, len(scale)))
        x = self.node("Add", self.node("Mul", x, numbers(scale)), numbers(shift))
        for layer in range(layers):
            x = self.normalised(x, f"embed.embed.{3 * layer}")
            x = self.node("Gelu", self.linear(x, f"embed.embed.{3 * layer + 1}"))
        return x

    def pair_bias(self, layers: int) -> str:
        """What is added to the attention between two constituents, (n, heads, p, p), padding included."""
        number = self.node("Range", np.int64(0), self.node("Squeeze", self.places), np.int64(1))
        row = self.node("Unsqueeze", number, sizes(1))
        # Pairs i >= j, and the pair of each (i, j): i (i + 1) / 2 + j with the larger as i.
        pairs = self.node("NonZero", self.node("GreaterOrEqual", row, number))
        larger, smaller = self.node("Max", row, number), self.node("Min", row, number)
        triangle = self.node("Div", self.node("Mul", larger, self.node("Add", larger, np.int64(1))), np.int64(2))
        place = self.node("Reshape", self.node("Add", triangle, smaller), sizes(-1))
        x = self._pair_features(*(self.node("Gather", pairs, np.int64(one), axis=0) for one in (0, 1)))
        scale, shift = batch_norm(self.state, "pair_embed.embed.0")
        for layer in range(layers):
            weight = self.state[f"pair_embed.embed.{3 * layer + 1}.weight"][:, :, 0].astype(np.float64)
            bias = self.state[f"pair_embed.embed.{3 * layer + 1}.bias"]
            if layer == 0:
                weight, bias = weight * scale, bias + weight @ shift
            after, offset = batch_norm(self.state, f"pair_embed.embed.{3 * layer + 2}")
            x = self._product(x, weight * after[:, None], bias * after + offset)
            x = self.node("Gelu", x) if layer < layers - 1 else x
        x = self.node("Reshape", x, self.node("Concat", sizes(-1), self.jets, sizes(self.heads), axis=0))
        shape = self.node("Concat", self.places, self.places, self.jets, sizes(self.heads), axis=0)
        x = self.node("Reshape", self.node("Gather", x, place, axis=0), shape)
        return self.node("Add", self.node("Transpose", x, perm=[2, 3, 0, 1]), self.padding)

    def _pair_features(self, first: str, second: str) -> str:
        """The features of ``network.pair_features``, as rows (pairs n, 4)."""
        px, py, pz, energy = self.outputs(4, "Split", "vectors", axis=1, num_outputs=4)
        pt = self.node("Sqrt", self.node("Add", self.node("Mul", px, px), self.node("Mul", py, py)))
        single = self.node("Transpose", self.node("Concat", "vectors", pt, axis=1), perm=[2, 1, 0])
        pz, energy = self.node("Cast", pz, to=DOUBLE), self.node("Cast", energy, to=DOUBLE)
        along, against = (
            self.node("Log", self.node("Max", self.node(operation, energy, pz), np.float64(LEAST_ENERGY)))
            for operation in ("Add", "Sub")
        )
        rapidity = self.node("Mul", self.node("Sub", along, against), np.float64(0.5))
        transverse = (self.node("Cast", component, to=DOUBLE) for component in (px, py))
        double = self.node("Transpose", self.node("Concat", *transverse, rapidity, axis=1), perm=[2, 1, 0])
        (p, pt), (q, qt) = (
            self.outputs(2, "Split", self.node("Gather", single, one, axis=0), sizes(4, 1), axis=1)
            for one in (first, second)
        )
        i, j = (
            self.outputs(3, "Split", self.node("Gather", double, one, axis=0), axis=1, num_outputs=3)
            for one in (first, second)
        )
        delta = self._distance(i, j)
        softer = self.node("Min", pt, qt)
        z = self.node("Div", softer, self.node("Max", self.node("Add", pt, qt), np.float32(LEAST)))
        total = self.node("Add", p, q)
        mass = self.node("MatMul", numbers([[-1, -1, -1, 1]]), self.node("Mul", total, total))
        found = self.node("Concat", self.node("Mul", softer, delta), z, delta, mass, axis=1)
        found = self.node("Log", self.node("Max", found, np.float32(LEAST)))
        return self.node("Reshape", self.node("Transpose", found, perm=[0, 2, 1]), sizes(-1, 4))

    def _distance(self, i: list[str], j: list[str]) -> str:
        """Delta of pairs with the components px, py and rapidity in double precision."""
        y = self.node("Cast", self.node("Sub", i[2], j[2]), to=FLOAT)
        cosine = self.node("Add", self.node("Mul", i[0], j[0]), self.node("Mul", i[1], j[1]))
        sine = self.node("Sub", self.node("Mul", i[0], j[1]), self.node("Mul", i[1], j[0]))
        cosine, sine = self.node("Cast", cosine, to=FLOAT), self.node("Cast", sine, to=FLOAT)
        angle = self.node("Atan", self.node("Abs", self.node("Div", sine, cosine)))
        opposite = self.node("Less", cosine, np.float32(0))
        phi = self.node("Where", opposite, self.node("Sub", np.float32(math.pi), angle), angle)
        return self.node("Sqrt", self.node("Add", self.node("Mul", y, y), self.node("Mul", phi, phi)))

    def block(self, name: str, x: str, bias: str) -> str:
        """Attention between the constituents."""
        weight, shift = (self._of_attention(name, f"in_proj.{part}") for part in ("weight", "bias"))
        made = self._product(self.normalised(x, f"{name}.pre_attn_norm"), weight, shift)
        shape = self.node("Concat", self.jets, self.places, sizes(3 * self.width), axis=0)
        parts = self.outputs(3, "Split", self.node("Reshape", made, shape), axis=2, num_outputs=3)
        taken = self.node("Attention", *parts, bias, q_num_heads=self.heads, kv_num_heads=self.heads)
        output, offset = (self._of_attention(name, f"out_proj.{part}") for part in ("weight", "bias"))
        return self._after_attention(name, x, self.node("Reshape", taken, sizes(-1, self.width)), output, offset)

    def class_token(self) -> str:
        """The class token of each jet, (n, width)."""
        token = numbers(self.state["cls_token"].reshape(1, -1))
        return self.node("Expand", token, self.node("Concat", self.jets, sizes(self.width), axis=0))

    def class_block(self, name: str, token: str, x: str) -> str:
        """Attention of the class token to itself and the constituents.

        There is one query a jet: it is less work to take it to the constituents, q (K x) = (K^T q) x, and to add
        these up before the values are made of them.
        """
        rows = self.node("Reshape", x, self.node("Concat", self.jets, self.places, sizes(self.width), axis=0))
        seen = self.node("Concat", self.node("Unsqueeze", token, sizes(1)), rows, axis=1)
        seen = self.normalised(seen, f"{name}.pre_attn_norm")
        depth = self.width // self.heads
        query, key, value = self._of_attention(name, "in_proj.weight").reshape(3, self.heads, depth, self.width)
        asking, _, offset = self._of_attention(name, "in_proj.bias").reshape(3, self.heads, depth)
        # What the keys' bias adds is the same for all that are seen.
        weight = np.einsum("hdi,hdj->hij", key, query).reshape(-1, self.width) / math.sqrt(depth)
        shift = np.einsum("hdi,hd->hi", key, asking).reshape(-1) / math.sqrt(depth)
        asked = self.node("Reshape", self._product(token, weight, shift), sizes(-1, self.heads, self.width))
        weights = self.node("FusedMatMul", asked, seen, domain="com.microsoft", transB=1)
        padding = self.node("Pad", self.node("Squeeze", self.padding, sizes(1)), sizes(1, 0), np.float32(0), sizes(2))
        taken = self.node("MatMul", self.node("Softmax", self.node("Add", weights, padding), axis=-1), seen)
        taken = self.node("Reshape", taken, sizes(-1, self.heads * self.width))
        output = self._of_attention(name, "out_proj.weight")
        weight = np.einsum("ohd,hdi->ohi", output.reshape(-1, self.heads, depth), value).reshape(self.width, -1)
        shift = output @ offset.reshape(-1) + self._of_attention(name, "out_proj.bias")
        return self._after_attention(name, token, taken, weight, shift)

    def _after_attention(self, name: str, x: str, taken: str, weight: Floats, bias: Floats) -> str:
        """The rest of a block: output projection, its scale for each head, dense layers, and both residuals."""
        scale = np.repeat(self.state[f"{name}.c_attn"], self.width // self.heads)
        taken = self.normalised(self._product(taken, weight * scale[:, None], bias * scale), f"{name}.post_attn_norm")
        x = self.node("Add", taken, x)
        made = self.node("Gelu", self.linear(self.normalised(x, f"{name}.pre_fc_norm"), f"{name}.fc1"))
        made = self.linear(self.normalised(made, f"{name}.post_fc_norm"), f"{name}.fc2")
        return self.node("Add", made, self.node("Mul", x, numbers(self.state[f"{name}.w_resid"])))

    def _of_attention(self, name: str, part: str) -> Floats:
        return self.state[f"{name}.attn.{part}"].astype(np.float64)

    def _product(self, x: str, weight: Floats, bias: Floats) -> str:
        return self.node("Gemm", x, numbers(weight.T), numbers(bias))
