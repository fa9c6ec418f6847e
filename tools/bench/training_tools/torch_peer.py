"""Trainings in PyTorch: losses to compare, seconds of epochs, and of many trainings."""
import multiprocessing
import time

import torch
from experiment import CLASSES, Experiment, numbers, serve
from torch_network import count_of, load_weights, products_of, torch_network


def losses_of(experiment, request, kind=torch.float32, ties=None):
    """Of plain gradient descent without dropout, as bench_training check does it."""
    network, weights = torch_network(experiment, dropout=False, ties=ties)
    load_weights(weights, request["folder"])
    network.to(kind).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.005)
    losses = []
    for step in range(1, request["steps"] + 1):
        x = numbers((experiment.batch, *experiment.input), step).transpose(0, 2, 1)
        labels = torch.tensor([(b + step) % CLASSES for b in range(experiment.batch)])
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(torch.tensor(x.copy(), dtype=kind)),
                                                 labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def exact(request):
    """The same losses in float64, by how ties of max pooling fall."""
    torch.set_num_threads(request["threads"])
    experiment = Experiment(request["config"])
    return {"losses": {ties: losses_of(experiment, request, torch.float64, ties)
                       for ties in ("first", "last")}}


def optimizer_of(experiment, network):
    given = dict(experiment.optimizer)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[given.pop("name")]
    rate = given.pop("learning_rate")
    return kind(network.parameters(), lr=rate, eps=1e-7, **given)


def data_of(experiment, rows):
    x = torch.tensor(numbers((rows, *experiment.input), 1).transpose(0, 2, 1).copy())
    return x, torch.arange(rows) % CLASSES


class Training:
    def __init__(self, experiment, data):
        self.experiment, (self.x, self.labels) = experiment, data
        self.network, _ = torch_network(experiment, dropout=True)
        self.network.train()
        self.optimizer = optimizer_of(experiment, self.network)

    def epoch(self):
        """In an order drawn anew each time, as Serenade's; what Serenade tells of an epoch is
        computed here too."""
        total, right = 0.0, 0
        for batch in torch.randperm(len(self.x)).split(self.experiment.batch):
            self.optimizer.zero_grad()
            logits = self.network(self.x[batch])
            loss = torch.nn.functional.cross_entropy(logits, self.labels[batch],
                                                     label_smoothing=self.experiment.smoothing)
            loss.backward()
            if self.experiment.clip_norm:
                torch.nn.utils.clip_grad_norm_(self.network.parameters(),
                                               self.experiment.clip_norm)
            self.optimizer.step()
            total += loss.item()
            right += int((logits.argmax(1) == self.labels[batch]).sum())
        return total, right


def time_epochs(request):
    torch.set_num_threads(request["threads"])
    experiment = Experiment(request["config"])
    with torch.backends.mkldnn.flags(enabled=request["tool"] == "pytorch", allow_tf32=None):
        training = Training(experiment, data_of(experiment, request["rows"]))
        serve({"losses": losses_of(experiment, request), "version": torch.__version__,
               "products": count_of(products_of(experiment)) * request["rows"]}, training.epoch)


def train_some(request, count, ready=None):
    """One process of a members comparison: seconds of so many trainings, one after another."""
    torch.set_num_threads(request["threads"])
    experiment = Experiment(request["config"])
    data = data_of(experiment, request["rows"])
    trainings = [Training(experiment, data) for _ in range(count)]
    if ready:
        ready.wait()
    begin = time.perf_counter()
    for training in trainings:
        for _ in range(request["epochs"]):
            training.epoch()
    return time.perf_counter() - begin


def time_members(request):
    """Networks are made, and processes have started, before the clock."""
    count, processes = request["members"], request["processes"]
    if processes == 1:
        seconds = train_some(request, count)
    else:
        spawn = multiprocessing.get_context("spawn")
        ready = spawn.Barrier(processes + 1, timeout=300)  # so that none waits for one that failed
        workers = [spawn.Process(target=train_some, args=(
            request, count // processes + (i < count % processes), ready))
            for i in range(processes)]
        for worker in workers:
            worker.start()
        ready.wait()
        begin = time.perf_counter()
        for worker in workers:
            worker.join()
        seconds = time.perf_counter() - begin
        if any(worker.exitcode != 0 for worker in workers):
            raise RuntimeError("a process of the members comparison failed")
    return {"seconds": seconds, "version": torch.__version__, "products": count_of(
        products_of(Experiment(request["config"]))) * request["rows"]}
