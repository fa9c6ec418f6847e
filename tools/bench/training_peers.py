"""The other side of tools/bench/training: an experiment's network in PyTorch and in Keras.

Takes one request as JSON, prints one answer as JSON. Layers are those of the shipped experiments;
another one is an error that names it.
"""

import json
import multiprocessing
import os
import sys
import time

import numpy as np
import yaml

CLASSES = 8  # RAVDESS' emotions
# Numbers of a frame that features give (configs/REFERENCE.md) in the experiments compared.
DIMS = {"chroma_stft": 12, "spectral_contrast": 7, "tonnetz": 6, "zero_crossing_rate": 1, "rms": 1}


def item_of(entry):
    """'relu' or {'conv1d': {...}} as name and options."""
    if isinstance(entry, str):
        return entry, {}
    (name, given), = entry.items()
    return name, given or {}


def dims_of(features):
    count = 0
    for name, given in map(item_of, features["extract"]):
        size = {"mfcc": given.get("n_mfcc", 40), "mel": given.get("n_mels", 128)}.get(name)
        count += size if size else DIMS[name]
    return count


class Experiment:
    def __init__(self, file):
        with open(file, encoding="utf-8") as stream:
            config = yaml.safe_load(stream)
        dims = dims_of(config["features"])
        vectors = config["features"].get("statistics")
        if vectors and vectors != ["mean"]:
            raise ValueError("statistics other than means are not known here")
        self.input = (dims, 1) if vectors else (config["model"]["frames"], dims)
        self.layers = config["model"]["layers"]
        training = config["training"]
        self.batch = training["batch_size"]
        self.optimizer = training["optimizer"]
        self.smoothing = training.get("label_smoothing", 0.0)
        self.clip_norm = training.get("clip_norm")


def numbers(shape, stream):
    """As tools/bench/training.cpp draws them."""
    def times(values, factor):
        return ((values.astype(np.uint64) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)).astype(
            np.uint32)
    begin = stream * 0x9E3779B9 % 2**32
    word = ((np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(begin))
            & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    word = times(word ^ (word >> np.uint32(16)), 0x85EBCA6B)
    word = times(word ^ (word >> np.uint32(13)), 0xC2B2AE35)
    word ^= word >> np.uint32(16)
    values = (word >> np.uint32(8)).astype(np.float32) * np.float32(2**-24) - np.float32(0.5)
    return (values * np.float32(4)).reshape(shape)


def torch_network(experiment, dropout):
    """The network over [batch, channels, time], its weights by Serenade's names, and a count of
    multiply-adds: a list that a pass of one row fills with (number, its input has a gradient)."""
    import torch
    from torch import nn

    weights = {}

    class SqueezeExcitation(nn.Module):
        def __init__(self, name, channels, reduction):
            super().__init__()
            units = max(1, channels // reduction)
            self.reduce = dense(f"{name}.reduce", channels, units)
            self.expand = dense(f"{name}.expand", units, channels)

        def forward(self, x):
            gate = torch.sigmoid(self.expand(torch.relu(self.reduce(x.mean(2)))))
            return x * gate.unsqueeze(2)

    class Residual(nn.Module):
        def __init__(self, name, entries, time_, channels):
            super().__init__()
            self.inner, _, out = sequence(entries, f"{name}.", time_, channels)
            self.shortcut = conv(f"{name}.shortcut", channels, out, 1, False) \
                if out != channels else nn.Identity()

        def forward(self, x):
            return self.inner(x) + self.shortcut(x)

    class AttentiveStatistics(nn.Module):
        def __init__(self, name, channels, units, epsilon):
            super().__init__()
            self.hidden = conv(f"{name}.hidden", channels, units, 1, True)
            self.scores = conv(f"{name}.scores", units, channels, 1, False)
            self.epsilon = epsilon

        def forward(self, x):
            shares = torch.softmax(self.scores(torch.tanh(self.hidden(x))), dim=2)
            mean = (shares * x).sum(2)
            variance = (shares * (x - mean.unsqueeze(2)) ** 2).sum(2)
            return torch.cat([mean, torch.sqrt(variance + self.epsilon)], 1)

    class Flatten(nn.Module):
        def forward(self, x):
            return x.transpose(1, 2).flatten(1)

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(2)

    def conv(name, channels, filters, size, bias, stride=1, time_=0):
        """Serenade's `same`: the rest of an odd number of zeros comes after the last step."""
        zeros = max((-(-time_ // stride) - 1) * stride + size - time_, 0) if stride > 1 else size - 1
        before, after = zeros // 2, zeros - zeros // 2
        layer = nn.Conv1d(channels, filters, size, stride, padding=before, bias=bias)
        weights[f"{name}.kernel"] = layer.weight
        if bias:
            weights[f"{name}.bias"] = layer.bias
        more = after - before
        return nn.Sequential(nn.ConstantPad1d((0, more), 0.0), layer) if more else layer

    def dense(name, features, units, bias=True):
        layer = nn.Linear(features, units, bias=bias)
        weights[f"{name}.kernel"] = layer.weight
        if bias:
            weights[f"{name}.bias"] = layer.bias
        return layer

    def sequence(entries, prefix, time_, channels):
        """time_ None: a vector."""
        modules = []
        for place, (kind, given) in enumerate(map(item_of, entries)):
            name = f"{prefix}{place}.{kind}"
            if kind == "conv1d":
                if set(given) - {"filters", "kernel_size", "stride", "use_bias"}:
                    raise ValueError(f"{name}: options that are not known here: {given}")
                stride = given.get("stride", 1)
                modules.append(conv(name, channels, given["filters"], given["kernel_size"],
                                    given.get("use_bias", True), stride, time_))
                channels, time_ = given["filters"], -(-time_ // stride)
            elif kind == "dense":
                modules.append(dense(name, channels, given["units"], given.get("use_bias", True)))
                channels = given["units"]
            elif kind == "batch_norm":
                layer = nn.BatchNorm1d(channels, eps=given.get("epsilon", 1e-3), momentum=0.01)
                weights[f"{name}.gamma"], weights[f"{name}.beta"] = layer.weight, layer.bias
                modules.append(layer)
            elif kind == "relu":
                modules.append(nn.ReLU())
            elif kind == "max_pool":
                size = given.get("pool_size", 2)
                modules.append(nn.MaxPool1d(size))
                time_ //= size
            elif kind == "dropout":
                if dropout:
                    modules.append(nn.Dropout(given.get("rate", 0.3)))
            elif kind == "flatten":
                modules.append(Flatten())
                channels, time_ = channels * time_, None
            elif kind == "global_average_pool":
                modules.append(Mean())
                time_ = None
            elif kind == "residual":
                modules.append(Residual(name, given["layers"], time_, channels))
                channels = next((g["filters"] for k, g in reversed(list(
                    map(item_of, given["layers"]))) if k == "conv1d"), channels)
            elif kind == "squeeze_excitation":
                modules.append(SqueezeExcitation(name, channels, given.get("reduction", 16)))
            elif kind == "attentive_statistics_pool" and given.get("heads", 1) is None:
                modules.append(AttentiveStatistics(name, channels, given.get("units", 64),
                                                   given.get("epsilon", 1e-5)))
                channels, time_ = 2 * channels, None
            else:
                raise ValueError(f"{name} is not known here")
        return nn.Sequential(*modules), time_, channels

    body, _, features = sequence(layers_of(experiment, dropout), "layers.", *experiment.input)
    return nn.Sequential(body, dense("output", features, CLASSES)), weights


def layers_of(experiment, dropout):
    """Without dropout places are counted without it, as in bench_training check."""
    def without(entries):
        kept = []
        for kind, given in map(item_of, entries):
            if kind == "dropout":
                continue
            given = dict(given)
            if kind == "residual":
                given["layers"] = without(given["layers"])
            kept.append({kind: given})
        return kept
    return experiment.layers if dropout else without(experiment.layers)


def products_of(network, experiment):
    """Multiply-adds of a training step for each row: forward and both gradients, without that of
    the network's input."""
    import torch
    counts = []

    def count(layer, _, output):
        steps = output.shape[2] if output.dim() == 3 else 1
        counts.append(layer.weight.numel() * steps)
    hooks = [layer.register_forward_hook(count) for layer in network.modules()
             if isinstance(layer, (torch.nn.Conv1d, torch.nn.Linear))]
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, experiment.input[1], experiment.input[0]))
    for hook in hooks:
        hook.remove()
    return 3 * sum(counts) - counts[0]


def load_weights(weights, folder):
    import torch
    values = np.fromfile(f"{folder}/weights.bin", dtype=np.float32)
    begin, seen = 0, set()
    with open(f"{folder}/names.txt", encoding="utf-8") as lines:
        for name, *shape in map(str.split, lines):
            shape = [int(n) for n in shape]
            value = values[begin:begin + int(np.prod(shape))].reshape(shape)
            begin += value.size
            target = weights[name]
            if target.dim() == 3:  # [kernel, in, out], or a dense layer at every step
                value = (value[None] if value.ndim == 2 else value).transpose(2, 1, 0)
            elif target.dim() == 2:
                value = value.T
            with torch.no_grad():
                target.copy_(torch.from_numpy(np.ascontiguousarray(value)))
            seen.add(name)
    if seen != set(weights):
        raise ValueError(f"weights without a value: {set(weights) - seen}")


def check(request):
    import torch
    experiment = Experiment(request["config"])
    network, weights = torch_network(experiment, dropout=False)
    load_weights(weights, request["folder"])
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.005)
    losses = []
    for step in range(1, request["steps"] + 1):
        x = numbers((experiment.batch, *experiment.input), step).transpose(0, 2, 1)
        labels = torch.tensor([(b + step) % CLASSES for b in range(experiment.batch)])
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(torch.tensor(x.copy())), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"losses": losses}


def torch_optimizer(experiment, network):
    import torch
    given = dict(experiment.optimizer)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[given.pop("name")]
    rate = given.pop("learning_rate")
    return kind(network.parameters(), lr=rate, eps=1e-7, **given)


def torch_training(experiment, rows, epochs):
    """Seconds of each epoch; order drawn anew each, as Serenade's."""
    import torch
    network, _ = torch_network(experiment, dropout=True)
    optimizer = torch_optimizer(experiment, network)
    x = torch.tensor(numbers((rows, *experiment.input), 1).transpose(0, 2, 1).copy())
    labels = torch.arange(rows) % CLASSES
    network.train()
    seconds = []
    for _ in range(epochs):
        begin = time.perf_counter()
        total, right = 0.0, 0
        for batch in torch.randperm(rows).split(experiment.batch):
            optimizer.zero_grad()
            logits = network(x[batch])
            loss = torch.nn.functional.cross_entropy(logits, labels[batch],
                                                     label_smoothing=experiment.smoothing)
            loss.backward()
            if experiment.clip_norm:
                torch.nn.utils.clip_grad_norm_(network.parameters(), experiment.clip_norm)
            optimizer.step()
            total += loss.item()
            right += int((logits.argmax(1) == labels[batch]).sum())
        seconds.append(time.perf_counter() - begin)
    return seconds


def epoch_products(experiment, rows):
    network, _ = torch_network(experiment, dropout=True)
    return products_of(network, experiment) * rows


def time_torch(request, onednn):
    import torch
    torch.set_num_threads(request["threads"])
    experiment = Experiment(request["config"])
    with torch.backends.mkldnn.flags(enabled=onednn):
        seconds = torch_training(experiment, request["rows"], request["epochs"])
    return {"seconds": seconds, "products": epoch_products(experiment, request["rows"]),
            "version": torch.__version__}


def time_keras(request):
    threads = str(request["threads"])
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = threads
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
        import torch
    except ImportError as error:
        return {"left_out": f"not installed: {error}"}
    torch.set_num_threads(request["threads"])
    experiment = Experiment(request["config"])
    make = {"conv1d": lambda o: keras.layers.Conv1D(o["filters"], o["kernel_size"], padding="same",
                                                    use_bias=o.get("use_bias", True)),
            "dense": lambda o: keras.layers.Dense(o["units"]),
            "batch_norm": lambda o: keras.layers.BatchNormalization(),
            "relu": lambda o: keras.layers.ReLU(),
            "max_pool": lambda o: keras.layers.MaxPooling1D(o.get("pool_size", 2)),
            "dropout": lambda o: keras.layers.Dropout(o.get("rate", 0.3)),
            "flatten": lambda o: keras.layers.Flatten(),
            "global_average_pool": lambda o: keras.layers.GlobalAveragePooling1D()}
    layers = list(map(item_of, experiment.layers))
    unknown = {kind for kind, _ in layers} - set(make)
    if unknown:
        return {"left_out": f"has no layers of its own for {', '.join(sorted(unknown))}"}
    network = keras.Sequential([keras.Input(experiment.input),
                                *(make[kind](given) for kind, given in layers),
                                keras.layers.Dense(CLASSES)])
    network.compile(keras.optimizers.Adam(experiment.optimizer["learning_rate"]),
                    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                    metrics=["accuracy"])
    rows = request["rows"]
    x, labels = numbers((rows, *experiment.input), 1), np.arange(rows) % CLASSES
    seconds = []
    for _ in range(request["epochs"]):
        begin = time.perf_counter()
        network.fit(x, labels, batch_size=experiment.batch, epochs=1, verbose=0)
        seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds, "version": f"{keras.__version__} on {keras.backend.backend()}"}


def train_some(request, count):
    """One process of a members comparison: so many trainings, one after another."""
    import torch
    torch.set_num_threads(request["threads"])
    experiment = Experiment(request["config"])
    for _ in range(count):
        torch_training(experiment, request["rows"], request["epochs"])


def time_members(request):
    import torch
    count, processes = request["members"], request["processes"]
    shares = [count // processes + (i < count % processes) for i in range(processes)]
    begin = time.perf_counter()
    if processes == 1:
        train_some(request, count)
    else:
        # Their starts count: so does Serenade's.
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=train_some, args=(request, share)) for share in shares]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode != 0 for worker in workers):
            raise RuntimeError("a process of the members comparison failed")
    return {"seconds": time.perf_counter() - begin, "version": torch.__version__,
            "products": epoch_products(Experiment(request["config"]), request["rows"])}


def main():
    request = json.loads(sys.argv[1])
    if request["mode"] == "check":
        answer = check(request)
    elif request["mode"] == "members":
        answer = time_members(request)
    elif request["tool"] == "keras":
        answer = time_keras(request)
    else:
        answer = time_torch(request, onednn=request["tool"] == "pytorch")
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
