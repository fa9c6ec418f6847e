#!/usr/bin/env python3
"""Compares layers, forward and backward on one thread, with PyTorch's on the same machine.

    python3 -m venv .venv && .venv/bin/pip install torch numpy
    ninja -C build bench_layers && .venv/bin/python tools/bench/layers.py build/bench_layers

Prints milliseconds of both and ours over theirs; a layer whose results differ is an error.
"""

import statistics
import subprocess
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
BATCH, TIME = 32, 160


def numbers(shape, stream):
    i = np.arange(np.prod(shape), dtype=np.uint64)
    word = ((i + np.uint64(stream * 7919)) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    values = (word >> np.uint64(8)).astype(np.float32) * np.float32(2**-24) - np.float32(0.5)
    return values.reshape(shape)


def weighted_sum(values):
    return float((values.astype(np.float64) * numbers(values.shape, 9)).sum())


def channels_first(values):
    """PyTorch's own layout, in memory too."""
    return torch.tensor(np.ascontiguousarray(np.moveaxis(values, -1, 1)) if values.ndim == 3
                        else values)


def back(tensor):
    values = tensor.detach().numpy()
    return np.ascontiguousarray(np.moveaxis(values, 1, -1)) if values.ndim == 3 else values


def layer(channels, parameters, forward, to_torch=channels_first):
    """A pass of forward and backward, and its results in Serenade's layout."""
    x = to_torch(numbers((BATCH, TIME, channels), 1)).requires_grad_()
    trained = [value.requires_grad_() for value in parameters]
    inputs = [x, *trained]
    with torch.no_grad():
        shape = forward(x, *trained).shape
    dy_shape = (shape[0], shape[2], shape[1]) if len(shape) == 3 and to_torch is channels_first \
        else tuple(shape)
    dy = to_torch(numbers(dy_shape, 4))

    def once():
        for tensor in inputs:
            tensor.grad = None
        y = forward(*inputs)
        y.backward(dy)
        return [y, *(tensor.grad for tensor in inputs)]
    return once


def kernel(size, channels, filters):
    return torch.tensor(np.ascontiguousarray(numbers((size, channels, filters), 2).transpose(
        2, 1, 0)))


def vector(size, stream):
    return torch.tensor(numbers((size,), stream))


def cases(c):
    for name, groups, options in (("conv1d", 1, {"padding": 2}),
                                  ("conv1d_dilated", 1, {"padding": 8, "dilation": 4}),
                                  ("conv1d_strided", 1, {"stride": 2}),
                                  ("conv1d_grouped", 4, {"padding": 2}),
                                  ("conv1d_depthwise", c, {"padding": 2})):
        yield name, layer(c, [kernel(5, c // groups, c), vector(c, 3)],
                          lambda x, w, b, o=options, g=groups: F.conv1d(x, w, b, groups=g, **o))
    scales = [vector(c, 2), vector(c, 3)]
    yield "batch_norm", layer(c, scales, lambda x, g, b: F.batch_norm(
        x, None, None, g, b, training=True, eps=1e-3))
    yield "layer_norm", layer(c, scales, lambda x, g, b: F.layer_norm(x, (c,), g, b, 1e-3),
                              torch.tensor)
    yield "max_pool", layer(c, [], lambda x: F.max_pool1d(x, 2))
    yield "average_pool", layer(c, [], lambda x: F.avg_pool1d(x, 2))
    yield "statistics_pool", layer(c, [], lambda x: torch.cat(
        [x.mean(2), (x.var(2, unbiased=False) + 1e-5).sqrt()], 1))
    yield "leaky_relu", layer(c, [], lambda x: F.leaky_relu(x, 0.01))
    yield "elu", layer(c, [], lambda x: F.elu(x))
    yield "gelu", layer(c, [], lambda x: F.gelu(x))
    yield "silu", layer(c, [], lambda x: F.silu(x))


def sums(name, results):
    def in_our_layout(tensor, is_kernel):
        if is_kernel:
            return np.ascontiguousarray(tensor.detach().numpy().transpose(2, 1, 0))
        return tensor.detach().numpy() if name == "layer_norm" else back(tensor)
    return [weighted_sum(in_our_layout(tensor, name.startswith("conv1d") and i == 2))
            for i, tensor in enumerate(results)]


def main():
    lines = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    ours = {name: [float(v) for v in values] for name, *values in map(str.split,
                                                                      lines.splitlines())}
    slow = 0
    print(f"{'layer':24} {'ours ms':>9} {'PyTorch':>9} {'ratio':>7}")
    for channels in (64, 128):
        for name, once in cases(channels):
            key = f"{name}_{channels}"
            milliseconds, *got = ours[key]
            want = sums(name, once())
            # sums of up to 655,360 products of float32 results
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=2e-2, err_msg=key)
            times = []
            for _ in range(15):
                begin = time.perf_counter()
                once()
                times.append(1000 * (time.perf_counter() - begin))
            theirs = statistics.median(times)
            slow += milliseconds > 1.2 * theirs
            print(f"{key:24} {milliseconds:9.3f} {theirs:9.3f} {milliseconds / theirs:7.2f}")
    print(f"torch {torch.__version__}; {slow} slower than 1.2 times PyTorch")


main()
