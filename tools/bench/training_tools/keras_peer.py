"""A training in Keras, of layers that Keras has: losses to compare, then seconds of epochs."""
import os
import sys
import time

import numpy as np
from experiment import CLASSES, Experiment, first_weights, item_of, layers_of, numbers

BACKENDS = {"keras on torch": "torch", "keras on tensorflow": "tensorflow"}


def makers(layers):
    return {"conv1d": lambda o: layers.Conv1D(o["filters"], o["kernel_size"], padding="same",
                                              strides=o.get("stride", 1),
                                              use_bias=o.get("use_bias", True)),
            "dense": lambda o: layers.Dense(o["units"], use_bias=o.get("use_bias", True)),
            "batch_norm": lambda o: layers.BatchNormalization(epsilon=o.get("epsilon", 1e-3)),
            "relu": lambda o: layers.ReLU(),
            "max_pool": lambda o: layers.MaxPooling1D(o.get("pool_size", 2)),
            "dropout": lambda o: layers.Dropout(o.get("rate", 0.3)),
            "flatten": lambda o: layers.Flatten(),
            "global_average_pool": lambda o: layers.GlobalAveragePooling1D()}


def network_of(experiment, dropout, optimizer):
    import keras
    make = makers(keras.layers)
    network = keras.Sequential([
        keras.Input(experiment.input),
        *(make[kind](given) for kind, given in map(item_of, layers_of(experiment, dropout))),
        keras.layers.Dense(CLASSES)])
    network.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                    metrics=["accuracy"])
    return network


def losses_of(experiment, request):
    """Of plain gradient descent without dropout, as bench_training check does it."""
    import keras
    network = network_of(experiment, False, keras.optimizers.SGD(0.005))
    for weight, (_, value) in zip(network.trainable_weights, first_weights(request["folder"]),
                                  strict=True):
        weight.assign(value)
    losses = []
    for step in range(1, request["steps"] + 1):
        x = numbers((experiment.batch, *experiment.input), step)
        labels = (np.arange(experiment.batch) + step) % CLASSES
        network.reset_metrics()
        losses.append(float(network.train_on_batch(x, labels)[0]))
    return losses


def missing(experiment):
    """What of the experiment Keras is not asked for here, or None."""
    unknown = {kind for kind, _ in map(item_of, experiment.layers)} - set(makers(None))
    if unknown:
        return f"not made of Keras' layers here: {', '.join(sorted(unknown))}"
    if experiment.optimizer["name"] != "adam" or experiment.clip_norm or experiment.smoothing:
        return "its optimizer or loss is not made of Keras' here"
    return None


def time_epochs(request, answer):
    experiment, backend = Experiment(request["config"]), BACKENDS[request["tool"]]
    reason = missing(experiment)
    if reason:
        return answer({"left_out": reason})
    os.environ["KERAS_BACKEND"] = backend
    try:
        import keras
        module = __import__(backend)
    except ImportError as error:
        return answer({"left_out": f"not installed: {error}"})
    if backend == "torch":
        module.set_num_threads(request["threads"])
    network = network_of(experiment, True,
                         keras.optimizers.Adam(experiment.optimizer["learning_rate"]))

    class Turns(keras.callbacks.Callback):
        """An epoch for each line of stdin."""

        def on_train_begin(self, logs=None):
            self.wait()

        def on_epoch_end(self, epoch, logs=None):
            print(time.perf_counter() - self.begin, flush=True)
            if epoch + 1 < request["epochs"]:
                self.wait()

        def wait(self):
            sys.stdin.readline()
            self.begin = time.perf_counter()

    answer({"losses": losses_of(experiment, request),
            "version": f"{keras.__version__} on {backend} {module.__version__}"})
    rows = request["rows"]
    network.fit(numbers((rows, *experiment.input), 1), np.arange(rows) % CLASSES,
                batch_size=experiment.batch, epochs=request["epochs"], verbose=0,
                callbacks=[Turns()])
    return None
