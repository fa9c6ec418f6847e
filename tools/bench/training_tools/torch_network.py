"""An experiment's network in PyTorch. Layers are those of the shipped experiments; another one is
an error that names it."""
import numpy as np
import torch
from experiment import CLASSES, first_weights, item_of, layers_of
from torch import nn


TIE = 1e-6  # of the larger: closer ones float32 may take for equal, or in the other order


class TiedMaxPool(nn.Module):
    """Max pooling that takes the `first` or the `last` of a window's numbers that are tied: which
    of them is the largest is rounding's choice, and a gradient goes where it fell."""

    def __init__(self, size, choice):
        super().__init__()
        self.size, self.last = size, {"first": False, "last": True}[choice]

    def forward(self, x):
        windows = x.unfold(2, self.size, self.size)
        best = windows.amax(3, keepdim=True)
        tied = (windows >= best - TIE * best.abs()).int()
        places = torch.arange(1, self.size + 1)  # argmax: the first or the last that is tied
        place = (tied * (places if self.last else places.flip(0))).argmax(3, keepdim=True)
        return windows.gather(3, place).squeeze(3)


def torch_network(experiment, dropout, ties=None):
    """The network over [batch, channels, time], and its weights by Serenade's names. ties: None,
    or the choice of TiedMaxPool."""
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
        last = (-(-time_ // stride) - 1) * stride  # where the last product begins
        zeros = max(last + size - time_, 0) if stride > 1 else size - 1
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
                modules.append(TiedMaxPool(size, ties) if ties else nn.MaxPool1d(size))
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


def products_of(experiment):
    """The network's convolutions and dense layers in the order of a forward pass, as
    bench_onednn takes them. A dense layer has no kernel; where a convolution's zeros are not as
    many on both sides, the rest of them counts as steps."""
    network, _ = torch_network(experiment, dropout=True)
    layers = []

    def note(layer, given, output):
        convolution = isinstance(layer, nn.Conv1d)
        outputs, inputs = layer.weight.shape[:2]
        layers.append({
            "inputs": inputs, "outputs": outputs, "bias": layer.bias is not None,
            "kernel": layer.kernel_size[0] if convolution else 0,
            "stride": layer.stride[0] if convolution else 1,
            "padding": layer.padding[0] if convolution else 0,
            "steps": given[0].shape[2] if convolution else 1,
            "products": layer.weight.numel() * (output.shape[2] if convolution else 1)})
    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Linear)):
            module.register_forward_hook(note)
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, experiment.input[1], experiment.input[0]))
    return layers


def count_of(layers):
    """Multiply-adds of a training step for each row: forward and both gradients, without that of
    the network's input."""
    return 3 * sum(layer["products"] for layer in layers) - layers[0]["products"]


def load_weights(weights, folder):
    seen = set()
    for name, value in first_weights(folder):
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
