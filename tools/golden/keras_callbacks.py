#!/usr/bin/env python3
"""Prints what Keras' ReduceLROnPlateau and EarlyStopping make of scripted histories.

    python3 -m venv .venv && .venv/bin/pip install keras==3.15.1 torch
    KERAS_BACKEND=torch .venv/bin/python tools/golden/keras_callbacks.py

The numbers stand in tests/pipeline/training/schedule_test.cpp.
"""

import keras

LOSSES = [2, 1.5, 1.5, 1.49995, 1.4999, 1.4, 1.45, 1.5, 1.39, 1.38995, 1.4, 1.4, 1.4, 1.4, 1.2,
          1.3, 1.3, 1.3, 1.3, 1.3]
ACCURACIES = [.1, .3, .3, .2, .35, .35, .35, .35, .36, .3, .3, .3, .3, .3, .3, .4, .4, .4, .4, .4]


def learning_rates(values, mode, **options):
    """The learning rate after each epoch, starting from 1."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate=1.0), "mse")
    callback = keras.callbacks.ReduceLROnPlateau(monitor="x", mode=mode, **options)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"x": value})
        rates.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
    return rates


def last_epoch(values, mode, **options):
    """The epoch, from 1, after which training stops; 0 for none."""

    class Model:
        stop_training = False

    model = Model()
    callback = keras.callbacks.EarlyStopping(monitor="x", mode=mode, **options)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"x": value})
        if model.stop_training:
            return epoch + 1
    return 0


print("learning rates")
for values, mode, options in [
    (LOSSES, "min", {"factor": .5, "patience": 2, "min_delta": 1e-4}),
    (LOSSES, "min", {"factor": .25, "patience": 1, "min_delta": .02, "cooldown": 2, "min_lr": .1}),
    (ACCURACIES, "max", {"factor": .5, "patience": 3, "min_delta": 0.0}),
    (ACCURACIES, "max", {"factor": .5, "patience": 0, "min_delta": .05, "cooldown": 1,
                         "min_lr": .03125}),
]:
    print(mode, options, learning_rates(values, mode, **options))

print("early stopping")
for values, mode, options in [
    (LOSSES, "min", {"patience": 2}),
    (LOSSES, "min", {"patience": 2, "min_delta": .2}),
    (LOSSES, "min", {"patience": 5}),
    (LOSSES, "min", {"patience": 3, "min_delta": .00005}),
    (ACCURACIES, "max", {"patience": 0}),
    (ACCURACIES, "max", {"patience": 4}),
    (ACCURACIES, "max", {"patience": 3, "min_delta": .02}),
    (ACCURACIES, "max", {"patience": 7}),
]:
    print(mode, options, last_epoch(values, mode, **options))
