"""A network parted from its head: what it finds in a face, and the layer that judges it.

`personalise.py` teaches another head, on whatever network.

Source: Yosinski et al., How transferable are features in deep neural networks?, 2014, https://arxiv.org/abs/1411.1792

Notebook: 07_your_face
"""

from __future__ import annotations

from .architectures import keras, layers

HARMLESS = {"Softmax", "LogSoftmax", "Sigmoid", "Activation", "Reshape", "Flatten", "Dropout", "Identity"}
"""Layers and operations that may follow a last dense layer: a new head has its own."""


def eyes_of(network: keras.Model, output: int = 0) -> tuple[keras.Model, layers.Dense]:
    """Parts a network before its last dense layer: what it finds in a face, and the layer that judges it.

    Networks within networks are followed, as those that begin with a network trained on other pictures.

    Args:
        network: Any that ends in a dense layer, with or without an activation.
        output: Which of its outputs.

    Returns:
        A network with the same layers, from the same input to (n, numbers), and the dense layer.

    Raises:
        ValueError: It ends in another layer; says in which.

    Example:
        >>> from expression.labels import Labels
        >>> from expression.models.architectures import tutorial
        >>> eyes, judge = eyes_of(tutorial(Labels(["Happy", "Sad"])))
        >>> eyes.output_shape, judge.units
        ((None, 128), 2)
    """
    tensor = network.outputs[output]
    while True:
        layer, node, place = tensor._keras_history  # the one way to the layer that made a tensor
        given = layer._inbound_nodes[node].input_tensors
        if isinstance(layer, layers.Dense) and len(given[0].shape) == 2:
            return keras.Model(network.inputs[0], given[0]), layer
        if isinstance(layer, keras.Model):
            inner, judge = eyes_of(layer, place)
            return keras.Model(network.inputs[0], inner(given[0])), judge
        if type(layer).__name__ not in HARMLESS:
            raise ValueError(f"it ends with the layer {layer.name!r}, a {type(layer).__name__}")
        tensor = given[0]
