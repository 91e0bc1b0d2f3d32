"""BERT as an ONNX graph, built in memory from the weights in a folder, so that no torch is needed to run it.

The network is that of Devlin et al. 2019 (https://arxiv.org/abs/1810.04805) as `transformers` names its weights.
Opset 20, for its Gelu.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OPSET, _IR = 20, 10
_ACTIVATIONS = {
    "gelu": {"op": "Gelu"},
    "gelu_new": {"op": "Gelu", "approximate": "tanh"},
    "gelu_pytorch_tanh": {"op": "Gelu", "approximate": "tanh"},
    "relu": {"op": "Relu"},
}
_FAR_BELOW = -1e9
"""What is added where nothing is to be looked at: its softmax is exactly 0."""


def bert(config: Mapping[str, Any], weights: Mapping[str, NDArray[Any]], *, scores: bool, about: str) -> bytes:
    """The model as the bytes of an ONNX file. Inputs are INPUTS: int64, texts x tokens.

    The output is `hidden` (texts x tokens x width), or with `scores` `logits` (texts x labels) of a sequence
    classification. Raises UserError, which begins with `about`, for a model that is no plain BERT, ImportError where
    the package `onnx` is missing.
    """
    _check(config, about)
    plain = {name.removeprefix("bert."): array for name, array in weights.items()}
    graph = _Graph(plain, about)
    hidden = _embedded(graph, config)
    bias = graph.add("Mul", graph.add("Sub", graph.constant(1.0), _spread_mask(graph)), graph.constant(_FAR_BELOW))
    for layer in range(int(config["num_hidden_layers"])):
        hidden = _layer(graph, f"encoder.layer.{layer}", hidden, bias, config)
    if not scores:
        return graph.model(hidden, "hidden", ["texts", "tokens", int(config["hidden_size"])])
    first = graph.add("Gather", hidden, graph.constant(0, np.int64), axis=1)
    pooled = graph.add("Tanh", graph.dense(first, "pooler.dense"))
    return graph.model(graph.dense(pooled, "classifier"), "logits", ["texts", "labels"])


def _check(config: Mapping[str, Any], about: str) -> None:
    needed = ("hidden_size", "num_hidden_layers", "num_attention_heads")
    lacking = [name for name in needed if not isinstance(config.get(name), int)]
    if lacking:
        raise UserError(f"{about}: config.json has no {', '.join(lacking)}")
    position, act = config.get("position_embedding_type", "absolute"), config.get("hidden_act", "gelu")
    if position != "absolute" or act not in _ACTIVATIONS:
        raise UserError(f"{about}: a BERT with {position} positions and {act} is not built here; export it to ONNX")


def _embedded(graph: _Graph, config: Mapping[str, Any]) -> str:
    """Word, position and type of each token, summed and normalised."""
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), INPUTS[0])
    types = graph.add("Gather", graph.weight("embeddings.token_type_embeddings.weight"), INPUTS[2])
    length = graph.add("Shape", INPUTS[0], start=1, end=2)
    positions = graph.add(
        "Slice", graph.weight("embeddings.position_embeddings.weight"), graph.constant([0], np.int64), length
    )
    summed = graph.add("Add", graph.add("Add", words, types), positions)
    return graph.normalised(summed, "embeddings.LayerNorm", config)


def _spread_mask(graph: _Graph) -> str:
    """The mask as floats, texts x 1 x 1 x tokens."""
    return graph.add("Unsqueeze", graph.add("Cast", INPUTS[1], to=1), graph.constant([1, 2], np.int64))


def _layer(graph: _Graph, name: str, hidden: str, bias: str, config: Mapping[str, Any]) -> str:
    """Attention, then the feed-forward network, each added to what came in and normalised."""
    context = _attention(graph, f"{name}.attention.self", hidden, bias, config)
    attended = graph.add("Add", graph.dense(context, f"{name}.attention.output.dense"), hidden)
    attended = graph.normalised(attended, f"{name}.attention.output.LayerNorm", config)
    act = dict(_ACTIVATIONS[config.get("hidden_act", "gelu")])
    wide = graph.add(act.pop("op"), graph.dense(attended, f"{name}.intermediate.dense"), **act)
    summed = graph.add("Add", graph.dense(wide, f"{name}.output.dense"), attended)
    return graph.normalised(summed, f"{name}.output.LayerNorm", config)


def _attention(graph: _Graph, name: str, hidden: str, bias: str, config: Mapping[str, Any]) -> str:
    """softmax(q k' / sqrt(d) + bias) v in heads of d numbers each."""
    heads, width = int(config["num_attention_heads"]), int(config["hidden_size"])
    apart = graph.constant([0, 0, heads, width // heads], np.int64)

    def split(part: str, order: list[int]) -> str:
        return graph.add("Transpose", graph.add("Reshape", graph.dense(hidden, f"{name}.{part}"), apart), perm=order)

    query, key, value = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]), split("value", [0, 2, 1, 3])
    fit = graph.add("Mul", graph.add("MatMul", query, key), graph.constant(1 / math.sqrt(width // heads)))
    shares = graph.add("Softmax", graph.add("Add", fit, bias), axis=-1)
    context = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
    return graph.add("Reshape", context, graph.constant([0, 0, width], np.int64))


class _Graph:
    """Nodes and weights as they are added; every value is known by its name."""

    def __init__(self, weights: Mapping[str, NDArray[Any]], about: str) -> None:
        import onnx

        self._onnx = onnx
        self._weights = weights
        self._about = about
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """One operation; returns the name of what it gives."""
        name = f"v{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """A number or a list of numbers."""
        return self._keep(f"c{len(self._initializers)}", np.asarray(value, dtype=dtype))

    def weight(self, name: str, *, turned: bool = False) -> str:
        """A tensor of the folder; `turned`, its rows as columns. Raises UserError where it is missing."""
        if name not in self._weights:
            raise UserError(f"{self._about}: its weights hold no {name}; it is not a plain BERT")
        if name in self._initializers:
            return name
        array = self._weights[name]
        return self._keep(name, np.ascontiguousarray(array.T if turned else array))

    def dense(self, value: str, name: str) -> str:
        """A linear layer."""
        product = self.add("MatMul", value, self.weight(f"{name}.weight", turned=True))
        return self.add("Add", product, self.weight(f"{name}.bias"))

    def normalised(self, value: str, name: str, config: Mapping[str, Any]) -> str:
        """A LayerNorm over the last dimension."""
        scale, shift = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        epsilon = float(config.get("layer_norm_eps", 1e-12))
        return self.add("LayerNormalization", value, scale, shift, epsilon=epsilon, axis=-1)

    def model(self, value: str, name: str, shape: list[Any]) -> bytes:
        """The whole as an ONNX file that gives `value` under `name`."""
        helper, types = self._onnx.helper, self._onnx.TensorProto
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        inputs = [helper.make_tensor_value_info(given, types.INT64, ["texts", "tokens"]) for given in INPUTS]
        outputs = [helper.make_tensor_value_info(name, types.FLOAT, shape)]
        graph = helper.make_graph(self._nodes, "bert", inputs, outputs, list(self._initializers.values()))
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
        return bytes(made.SerializeToString())

    def _keep(self, name: str, array: NDArray[Any]) -> str:
        self._initializers[name] = self._onnx.numpy_helper.from_array(array, name)
        return name
