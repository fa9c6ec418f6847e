"""What bench_onednn computes of an experiment's layers, against PyTorch in float64."""
import json
import pathlib
import subprocess

import numpy as np
import torch
from experiment import Experiment, numbers
from torch_network import products_of

GIVEN = ("src", "weights", "bias", "diff_dst")


def tensors_of(layer, batch, place):
    """What a layer is given, drawn, and what must come of it."""
    convolution = layer["kernel"] > 0
    inputs, outputs = layer["inputs"], layer["outputs"]
    shapes = {"src": (batch, inputs, layer["steps"]) if convolution else (batch, inputs),
              "weights": (outputs, inputs, layer["kernel"]) if convolution else (outputs, inputs),
              "bias": (outputs,)}
    if not layer["bias"]:
        del shapes["bias"]
    drawn = {name: torch.tensor(numbers(shape, 10 * place + i), dtype=torch.float64,
                                requires_grad=True)
             for i, (name, shape) in enumerate(shapes.items())}
    given = [drawn["src"], drawn["weights"], drawn.get("bias")]
    found = {"dst": torch.nn.functional.conv1d(*given, layer["stride"], layer["padding"])
             if convolution else torch.nn.functional.linear(*given)}
    found["diff_dst"] = torch.tensor(numbers(tuple(found["dst"].shape), 10 * place + 9),
                                     dtype=torch.float64)
    found["dst"].backward(found["diff_dst"])
    for name, tensor in drawn.items():
        found[name], found[f"diff_{name}"] = tensor, tensor.grad
    if place == 0:
        del found["diff_src"]  # the network's input needs no gradient
    return {name: tensor.detach().numpy() for name, tensor in found.items()}


def check(request):
    """Writes the experiment's layers to layers.json in the folder, has those of different shapes
    computed, and gives the largest difference, as a share of the largest number of its tensor."""
    experiment, folder = Experiment(request["config"]), pathlib.Path(request["folder"])
    torch.set_num_threads(request["threads"])
    layers = products_of(experiment)
    (folder / "layers.json").write_text(json.dumps(layers), encoding="utf-8")
    different = [layers[0]]
    different += [layer for i, layer in enumerate(layers) if i and layer not in layers[1:i]]
    (folder / "different.json").write_text(json.dumps(different), encoding="utf-8")
    expected = [tensors_of(layer, experiment.batch, i) for i, layer in enumerate(different)]
    for i, tensors in enumerate(expected):
        for name in set(GIVEN) & set(tensors):
            tensors[name].astype(np.float32).tofile(folder / f"{i}.{name}")
    subprocess.run([request["program"], "check", folder / "different.json", str(experiment.batch),
                    folder], check=True)
    worst = 0.0
    for i, tensors in enumerate(expected):
        for name in set(tensors) - set(GIVEN):
            computed = np.fromfile(folder / f"{i}.{name}", dtype=np.float32)
            difference = np.abs(computed.reshape(tensors[name].shape) - tensors[name]).max()
            worst = max(worst, float(difference / np.abs(tensors[name]).max()))
    return {"largest_difference": worst, "batch": experiment.batch, "layers": len(different)}
