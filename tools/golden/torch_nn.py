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
    for group, arrays in groups.items():
        for name, values in arrays.items():
            values = np.asarray(values)
            values = values.astype(np.int32 if values.dtype.kind == "i" else np.float32)
            file.create_dataset(f"{group}/{name}", data=values, compression="gzip",
                                compression_opts=9, shuffle=True)
