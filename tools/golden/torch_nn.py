#!/usr/bin/env python3
"""Writes tests/golden/torch.h5: network layers, optimizers and a training run, by PyTorch.

    python3 -m venv .venv && .venv/bin/pip install -r tools/golden/requirements.txt
    .venv/bin/python tools/golden/torch_nn.py [FILE]

Layers are computed in float64 from float32 inputs, the training run in float32. Everything is
stored in Serenade's layout: activations [batch, time, channels], convolution kernels [kernel_size,
in_channels, filters], dense kernels [features, units]. Where Keras, which Serenade follows, and
PyTorch differ, PyTorch is made to follow Keras:
  - Adam: Keras adds epsilon to the root of the uncorrected second moment. PyTorch adds it after the
    bias correction; epsilon / sqrt(1 - beta_2^t) there is epsilon here.
  - Batch norm: Keras' running variance follows the biased variance, PyTorch's the unbiased one. The
    script keeps the biased one itself.
"""

import pathlib
import sys

import h5py
import numpy as np
import torch
import torch.nn.functional as F

TARGET = pathlib.Path(__file__).parents[2] / "tests" / "golden" / "torch.h5"
RANDOM = np.random.default_rng(11)


def draw(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def channels_first(x):
    return x.transpose(1, 2)


def layer(x, parameters, forward):
    """Forward, and the gradients of sum(dy * y), of one layer; `forward` takes float64 tensors."""
    inputs = {"x": x, **parameters}
    tensors = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True)
               for k, v in inputs.items()}
    y = forward(**tensors)
    dy = draw(*y.shape)
    (y * torch.tensor(dy, dtype=torch.float64)).sum().backward()
    return {**inputs, "y": y.detach().numpy(), "dy": dy,
            **{f"d{k}": t.grad.numpy() for k, t in tensors.items()}}


def conv1d(padding):
    def forward(x, kernel, bias):
        return channels_first(
            F.conv1d(channels_first(x), kernel.permute(2, 1, 0), bias, padding=padding))
    return forward


def max_pool(x, size, stride):
    return channels_first(F.max_pool1d(channels_first(x), size, stride))


def batch_norm(x, gamma, beta):
    return channels_first(
        F.batch_norm(channels_first(x), None, None, gamma, beta, training=True, eps=1e-3))


MEAN, VARIANCE = draw(9), RANDOM.uniform(0.5, 2, 9).astype(np.float32)


def batch_norm_inference(x, gamma, beta):
    return channels_first(
        F.batch_norm(channels_first(x), torch.tensor(MEAN).double(),
                     torch.tensor(VARIANCE).double(), gamma, beta, training=False, eps=1e-3))


def layers():
    for name, padding, size in (("conv1d_same", "same", 5), ("conv1d_same_even", "same", 4),
                                ("conv1d_valid", "valid", 5)):
        yield name, layer(draw(3, 19, 7), {"kernel": draw(size, 7, 18), "bias": draw(18)},
                          conv1d(padding))
    scales = {"gamma": draw(9), "beta": draw(9)}
    yield "batch_norm", layer(draw(4, 11, 9), scales, batch_norm)
    yield "batch_norm_inference", {**layer(draw(4, 11, 9), scales, batch_norm_inference),
                                   "mean": MEAN, "variance": VARIANCE}
    yield "relu", layer(draw(3, 11, 9), {}, lambda x: F.relu(x))
    yield "max_pool", layer(draw(3, 11, 9), {}, lambda x: max_pool(x, 2, 2))
    yield "max_pool_overlapping", layer(draw(3, 12, 9), {}, lambda x: max_pool(x, 3, 2))
    yield "global_average_pool", layer(draw(3, 11, 9), {}, lambda x: x.mean(1))
    yield "global_max_pool", layer(draw(3, 11, 9), {}, lambda x: x.amax(1))
    yield "dense", layer(draw(5, 37), {"kernel": draw(37, 19), "bias": draw(19)},
                         lambda x, kernel, bias: x @ kernel + bias)


def conv1d_general(x, kernel, bias, before=0, after=0, **options):
    """Padding is written out: PyTorch has neither causal padding nor `same` with a stride."""
    padded = F.pad(channels_first(x), (before, after))
    return channels_first(F.conv1d(padded, kernel.permute(2, 1, 0), bias, **options))


def layer_norm(x, gamma, beta):
    return F.layer_norm(x, x.shape[-1:], gamma, beta, eps=1e-3)


def statistics_pool(x):
    return torch.cat([x.mean(1), (x.var(1, unbiased=False) + 1e-5).sqrt()], 1)


def squeeze_excitation(x, reduce_kernel, reduce_bias, expand_kernel, expand_bias):
    hidden = F.relu(x.mean(1) @ reduce_kernel + reduce_bias)
    return x * torch.sigmoid(hidden @ expand_kernel + expand_bias)[:, None]


def residual(x, first_kernel, first_bias, second_kernel, second_bias, shortcut_kernel):
    """SiLU between two convolutions; the first, of stride 2 on 12 steps, pads one step on the
    right (Keras' same), the shortcut is a strided convolution over one step."""
    inner = conv1d_general(x, first_kernel, first_bias, 0, 1, stride=2)
    inner = conv1d_general(F.silu(inner), second_kernel, second_bias, 1, 1)
    return inner + x[:, ::2] @ shortcut_kernel[0]


def more_layers():
    def weights(size, channels, filters):
        return {"kernel": draw(size, channels, filters), "bias": draw(filters)}

    for name, x, parameters, options in (
            ("conv1d_causal", draw(3, 19, 7), weights(4, 7, 18), {"before": 3}),
            ("conv1d_strided", draw(3, 20, 7), weights(5, 7, 18),
             {"before": 1, "after": 2, "stride": 2}),
            ("conv1d_dilated", draw(3, 19, 7), weights(3, 7, 18),
             {"before": 4, "after": 4, "dilation": 4}),
            ("conv1d_grouped", draw(3, 19, 6), weights(3, 2, 18),
             {"stride": 2, "dilation": 2, "groups": 3}),
            ("conv1d_depthwise", draw(3, 19, 37), weights(5, 1, 37),
             {"before": 2, "after": 2, "groups": 37})):
        yield name, layer(x, parameters, lambda x, kernel, bias, o=options: conv1d_general(
            x, kernel, bias, **o))
    yield "leaky_relu", layer(3 * draw(3, 11, 9), {}, lambda x: F.leaky_relu(x, 0.2))
    yield "elu", layer(3 * draw(3, 11, 9), {}, lambda x: F.elu(x, 1.5))
    yield "gelu", layer(3 * draw(3, 11, 9), {}, lambda x: F.gelu(x))
    yield "silu", layer(3 * draw(3, 11, 9), {}, lambda x: F.silu(x))
    yield "average_pool", layer(draw(3, 12, 9), {}, lambda x: channels_first(
        F.avg_pool1d(channels_first(x), 3, 2)))
    yield "layer_norm", layer(draw(4, 11, 37), {"gamma": draw(37), "beta": draw(37)}, layer_norm)
    yield "statistics_pool", layer(draw(3, 11, 9), {}, statistics_pool)
    yield "squeeze_excitation", layer(
        draw(3, 11, 8), {"reduce_kernel": draw(8, 2), "reduce_bias": draw(2),
                         "expand_kernel": draw(2, 8), "expand_bias": draw(8)}, squeeze_excitation)
    yield "residual", layer(
        draw(3, 12, 5), {"first_kernel": draw(3, 5, 8), "first_bias": draw(8),
                         "second_kernel": draw(3, 8, 8), "second_bias": draw(8),
                         "shortcut_kernel": draw(1, 5, 8)}, residual)


def attention(heads, deviations):
    """Okabe et al. 2018; a head for as many neighbouring channels as there are to a head."""
    def forward(x, hidden_kernel, hidden_bias, scores_kernel):
        scores = torch.tanh(x @ hidden_kernel + hidden_bias) @ scores_kernel
        shares = scores.softmax(1).repeat_interleave(x.shape[-1] // heads, -1)
        mean = (shares * x).sum(1)
        variance = (shares * (x - mean[:, None]) ** 2).sum(1)
        return torch.cat([mean, (variance + 1e-5).sqrt()], 1) if deviations else mean
    return forward


def attentions():
    for name, heads, deviations in (("attention_pool", 1, False),
                                    ("attentive_statistics_pool", 2, True),
                                    ("attentive_statistics_pool_by_channel", 8, True)):
        yield name, layer(
            draw(3, 11, 8), {"hidden_kernel": draw(8, 5), "hidden_bias": draw(5),
                             "scores_kernel": draw(5, heads)}, attention(heads, deviations))


def weighted_loss(smoothing, class_weights):
    """The mean over rows, each weighing what its class does; without class weights the rows."""
    logits, labels = 3 * draw(6, 8), np.int32([0, 3, 7, 3, 1, 5])
    x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    weights = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float64)
    F.cross_entropy(x, torch.tensor(labels, dtype=torch.long), weights,
                    label_smoothing=smoothing).backward()
    return {"x": logits, "labels": labels, "dx": x.grad.numpy(),
            **({} if weights is None else {"weights": class_weights})}


def clipped(limit):
    gradients = [draw(7), draw(5, 3)]
    tensors = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients]
    for tensor, gradient in zip(tensors, gradients):
        tensor.grad = torch.tensor(gradient, dtype=torch.float64)
    norm = torch.nn.utils.clip_grad_norm_(tensors, limit)
    return {"a": gradients[0], "b": gradients[1], "norm": [norm.item()],
            "clipped_a": tensors[0].grad.numpy(), "clipped_b": tensors[1].grad.numpy()}


def plain_optimizer(make):
    """As optimizer(), for those without an epsilon."""
    start, gradients = draw(13), draw(5, 13)
    value = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make([value])
    values = []
    for gradient in gradients:
        value.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        values.append(value.detach().numpy().copy())
    return {"start": start, "gradients": gradients, "values": np.stack(values)}


def schedule(steps, make):
    """The learning rate of each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return {"rates": np.float64(rates)}


def schedules():
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, SequentialLR
    yield "cosine", schedule(40, lambda o: CosineAnnealingLR(o, 40))
    yield "cosine_final", schedule(40, lambda o: CosineAnnealingLR(o, 40, eta_min=0.05))
    yield "cosine_warm", schedule(40, lambda o: SequentialLR(
        o, [LinearLR(o, 1 / 11, 1, 10), CosineAnnealingLR(o, 30)], [10]))
    yield "one_cycle", schedule(39, lambda o: OneCycleLR(o, 0.5, total_steps=40))
    yield "one_cycle_options", schedule(29, lambda o: OneCycleLR(
        o, 0.5, total_steps=30, pct_start=0.1, div_factor=10, final_div_factor=100))


def loss():
    logits, targets = 3 * draw(6, 8), np.abs(draw(6, 8))
    targets /= targets.sum(1, keepdims=True)
    x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    rows = F.cross_entropy(x, torch.tensor(targets, dtype=torch.float64), reduction="none")
    rows.mean().backward()
    return {"x": logits, "targets": targets, "y": rows.detach().numpy(), "dx": x.grad.numpy()}


def keras_step(optimizer, step, epsilon=1e-7):
    for group in optimizer.param_groups:
        group["eps"] = epsilon / np.sqrt(1 - group["betas"][1] ** step)
    optimizer.step()


def optimizer(make):
    start, gradients = draw(13), draw(5, 13) * np.float32(0.1)
    value = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make([value])
    values = []
    for step, gradient in enumerate(gradients, 1):
        value.grad = torch.tensor(gradient, dtype=torch.float64)
        keras_step(optimizer, step)
        values.append(value.detach().numpy().copy())
    return {"start": start, "gradients": gradients, "values": np.stack(values)}


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_0 = torch.nn.Conv1d(5, 8, 5, padding="same")
        self.norm = torch.nn.BatchNorm1d(8, eps=1e-3, momentum=0.01)
        self.conv_1 = torch.nn.Conv1d(8, 12, 3)
        self.dense = torch.nn.Linear(12, 16)
        self.output = torch.nn.Linear(16, 4)
        self.biased_variance = torch.ones(8)

    def forward(self, x):
        x = self.conv_0(channels_first(x))
        if self.training:
            variance = x.detach().var((0, 2), unbiased=False)
            self.biased_variance = 0.99 * self.biased_variance + 0.01 * variance
        x = F.max_pool1d(F.relu(self.norm(x)), 2)
        x = F.relu(self.conv_1(x)).mean(2)
        return self.output(F.relu(self.dense(x)))

    def parameters_here(self):
        """Name and value in Serenade's layout."""
        yield "layers.0.conv1d.kernel", self.conv_0.weight.permute(2, 1, 0)
        yield "layers.0.conv1d.bias", self.conv_0.bias
        yield "layers.1.batch_norm.gamma", self.norm.weight
        yield "layers.1.batch_norm.beta", self.norm.bias
        yield "layers.4.conv1d.kernel", self.conv_1.weight.permute(2, 1, 0)
        yield "layers.4.conv1d.bias", self.conv_1.bias
        yield "layers.7.dense.kernel", self.dense.weight.T
        yield "layers.7.dense.bias", self.dense.bias
        yield "output.kernel", self.output.weight.T
        yield "output.bias", self.output.bias


def training_run(steps=20, rows=6):
    torch.manual_seed(5)
    network = Network()
    data = {name: value.detach().numpy().copy() for name, value in network.parameters_here()}
    # four batches in turn; a class is a level and a slope of the first channel, under noise
    labels = RANDOM.integers(0, 4, (4, rows)).astype(np.int32)
    x = draw(4, rows, 24, 5)
    x[..., 0] += labels[..., None] * np.linspace(0.2, 0.8, 24, dtype=np.float32)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(network(torch.tensor(x[step % 4])),
                               torch.tensor(labels[step % 4], dtype=torch.long))
        loss.backward()
        keras_step(optimizer, step + 1)
        losses.append(loss.item())
    network.eval()
    network.norm.running_var.copy_(network.biased_variance)
    return {**data, "x": x, "labels": labels, "losses": np.float32(losses),
            "logits": network(torch.tensor(x[0])).detach().numpy()}


with h5py.File(sys.argv[1] if len(sys.argv) > 1 else TARGET, "w", track_order=False) as file:
    file.attrs["made_with"] = f"torch {torch.__version__.split('+')[0]}"
    groups = dict(layers())
    groups["softmax_cross_entropy"] = loss()
    groups["adam"] = optimizer(lambda values: torch.optim.Adam(values, lr=0.01))
    groups["adamw"] = optimizer(lambda values: torch.optim.AdamW(values, lr=0.01,
                                                                 weight_decay=0.1))
    groups["network"] = training_run()
    groups.update(more_layers())
    groups["label_smoothing"] = weighted_loss(0.1, None)
    groups["class_weights"] = weighted_loss(0, np.float32([1, 2, 3, 0.5, 1, 4, 1, 0.25]))
    groups["clip"] = clipped(1.5)
    groups["sgd"] = plain_optimizer(lambda v: torch.optim.SGD(v, lr=0.1))
    groups["sgd_momentum"] = plain_optimizer(lambda v: torch.optim.SGD(v, lr=0.1, momentum=0.9))
    groups["sgd_nesterov"] = plain_optimizer(
        lambda v: torch.optim.SGD(v, lr=0.1, momentum=0.9, nesterov=True))
    groups.update((f"schedule/{name}", rates) for name, rates in schedules())
    groups.update(attentions())
    for group, arrays in groups.items():
        for name, values in arrays.items():
            values = np.asarray(values)
            values = values.astype(np.int32 if values.dtype.kind == "i" else np.float32)
            file.create_dataset(f"{group}/{name}", data=values, compression="gzip",
                                compression_opts=9, shuffle=True)
