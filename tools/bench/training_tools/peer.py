"""The other side of tools/bench/training: takes one request as JSON and prints one answer as JSON,
and if the request is for epochs, the seconds of one for each line of stdin."""
import json
import sys


def answer(given):
    print(json.dumps(given), flush=True)


def main():
    request = json.loads(sys.argv[1])
    if request["mode"] == "onednn":
        import onednn_check
        answer(onednn_check.check(request))
    elif request["mode"] == "exact":
        import torch_peer
        answer(torch_peer.exact(request))
    elif request["mode"] == "members":
        import torch_peer
        answer(torch_peer.time_members(request))
    elif request["tool"].startswith("keras"):
        import keras_peer
        keras_peer.time_epochs(request, answer)
    else:
        import torch_peer
        torch_peer.time_epochs(request)


if __name__ == "__main__":
    main()
