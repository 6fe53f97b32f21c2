"""Splits a network at its head: the features of a face, and the layer that classifies them.

Another head can then be trained on any network.

Source: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792

Notebook: 08_your_face
"""

from __future__ import annotations

from .architectures import keras, layers

HARMLESS = {"Softmax", "LogSoftmax", "Sigmoid", "Activation", "Reshape", "Flatten", "Dropout", "Identity"}
"""Layers and operations that may follow the last dense layer; a new head has its own."""


def split_at_head(network: keras.Model, output: int = 0) -> tuple[keras.Model, layers.Dense]:
    """Splits a network before its last dense layer: the part that finds features, and the classifying layer.

    Nested networks are followed, such as those that begin with a network trained on other pictures.

    Args:
        network: Any that ends in a dense layer, with or without an activation.
        output: The index of its output.

    Returns:
        A network with the same layers, from the same input to (n, features), and the dense layer.

    Raises:
        ValueError: It ends with another layer; the message says which.

    Example:
        >>> from expression.labels import Labels
        >>> from expression.models.architectures import tutorial
        >>> features, judge = split_at_head(tutorial(Labels(["Happy", "Sad"])))
        >>> features.output_shape, judge.units
        ((None, 128), 2)
    """
    tensor = network.outputs[output]
    while True:
        layer, node, place = tensor._keras_history  # the only way to get the layer that made a tensor
        given = layer._inbound_nodes[node].input_tensors
        if isinstance(layer, layers.Dense) and len(given[0].shape) == 2:
            return keras.Model(network.inputs[0], given[0]), layer
        if isinstance(layer, keras.Model):
            inner, judge = split_at_head(layer, place)
            return keras.Model(network.inputs[0], inner(given[0])), judge
        if type(layer).__name__ not in HARMLESS:
            raise ValueError(f"it ends with the layer {layer.name!r}, a {type(layer).__name__}")
        tensor = given[0]
