#!/usr/bin/env python3
"""Machines of one's own rack as servers: a program for a definition of kind `command`.

docs/command.md says how it is set up, and what it is asked and answers.

    rack.py FILE

FILE lists the machines; whose order holds which is kept beside it, in FILE.held:

    {"seeds": "/srv/seeds", "machines": [
        {"id": "r1u07", "class": "small", "server": "192.0.2.7",
         "bmc": "https://r1u07.bmc.example/redfish/v1/Systems/1"}]}

`create` does one thing: it writes down which machine is the order's. `poll` lays user-data where the
machine's installer reads it (cloud-init's NoCloud: seeds/ID/user-data), has the machine boot from the
network once, and waits until it did. `cancel` turns it off and lets it go.

The management controllers speak Redfish (DMTF DSP0268: ComputerSystem.Boot, .PowerState and the action
#ComputerSystem.Reset) and take the credentials `user` and `password`. Python's own library suffices.
"""

import base64
import contextlib
import fcntl
import json
import os
import ssl
import sys
import urllib.request
from pathlib import Path

# Seconds for one request; a call of ours makes four at most.
TIMEOUT = 20


def main():
    inventory = Path(sys.argv[1])
    request = json.load(sys.stdin)
    verbs = {"create": create, "find": find, "poll": poll, "cancel": cancel, "catalog": catalog}
    answer = verbs[request["verb"]](Rack(inventory), request)
    json.dump(answer, sys.stdout)


class Rack:
    """The machines, and who holds them."""

    def __init__(self, inventory):
        written = json.loads(inventory.read_text("utf-8"))
        self.seeds = Path(written["seeds"])
        self.machines = {machine["id"]: machine for machine in written["machines"]}
        self.file = inventory.with_name(inventory.name + ".held")

    def held(self):
        """Returns which machine has which order's key, and how far it is."""
        try:
            return json.loads(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return {}

    @contextlib.contextmanager
    def changing(self):
        """Yields the same to be changed, while nobody else changes it; what is written is durable."""
        with open(self.file.with_name(self.file.name + ".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = self.held()
            yield held
            new = self.file.with_name(self.file.name + ".new")
            with open(new, "w", encoding="utf-8") as file:
                json.dump(held, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.file)
            folder = os.open(self.file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def create(rack, request):
    wanted = request["parameters"].get("class")
    key = request["order"]["key"]
    with rack.changing() as held:
        for machine, holder in held.items():
            # Asked twice: the order keeps what it has.
            if holder["key"] == key:
                return {"server_id": machine}
        for machine in rack.machines.values():
            if machine["class"] == wanted and machine["id"] not in held:
                held[machine["id"]] = {"key": key, "step": "held"}
                return {"server_id": machine["id"]}
    return {"rejected": f"no machine of class {wanted} is free"}


def find(rack, request):
    key = request["order"]["key"]
    ours = [machine for machine, holder in rack.held().items() if holder["key"] == key]
    return {"servers": [{"server_id": machine} for machine in ours]}


def poll(rack, request):
    machine, holder = of_order(rack, request)
    if holder is None:
        return {"status": "gone"}
    if machine is None:
        return {"status": "failed", "reason": "the machine is not listed any more"}
    bmc = Controller(machine["bmc"], request["credentials"])
    if holder["step"] == "held":
        seed(rack, machine, request["order"])
        system = bmc.get()
        bmc.send("PATCH", "", {"Boot": {"BootSourceOverrideEnabled": "Once",
                                        "BootSourceOverrideTarget": "Pxe"}})
        running = system["PowerState"] == "On"
        bmc.reset("ForceRestart" if running else "On")
        with rack.changing() as held:
            held[machine["id"]]["step"] = "booting"
    system = bmc.get()
    # The controller takes `Once` back when the machine has booted so.
    booted = system["Boot"]["BootSourceOverrideEnabled"] == "Disabled"
    if booted and system["PowerState"] == "On":
        return {"status": "ready", "server": machine["server"]}
    return {"status": "building"}


def cancel(rack, request):
    machine, holder = of_order(rack, request)
    if holder is None:
        return {}
    if machine is not None:
        bmc = Controller(machine["bmc"], request["credentials"])
        if bmc.get()["PowerState"] != "Off":
            bmc.reset("ForceOff")
    for name in ("user-data", "meta-data"):
        (rack.seeds / request["server_id"] / name).unlink(missing_ok=True)
    # Last: as long as anything of it is left, `find` names it.
    with rack.changing() as held:
        held.pop(request["server_id"], None)
    return {}


def catalog(rack, request):
    held = rack.held()
    free = {}
    for machine in rack.machines.values():
        free.setdefault(machine["class"], 0)
        free[machine["class"]] += machine["id"] not in held
    return {"configurations": [
        {"id": name, "descr": f"{name}, {count} free", "parameters": {"class": name}}
        for name, count in sorted(free.items())]}


def of_order(rack, request):
    """Returns the machine that is asked for and who holds it, as far as it is the order's."""
    holder = rack.held().get(request["server_id"])
    if holder is None or holder["key"] != request["order"]["key"]:
        return None, None
    return rack.machines.get(request["server_id"]), holder


def seed(rack, machine, order):
    """Lays out what the machine's first start reads; root's password is in it."""
    folder = rack.seeds / machine["id"]
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    texts = {
        "meta-data": f"instance-id: {order['key']}\nlocal-hostname: {order['hostname']}\n",
        "user-data": order["user_data"] or "#cloud-config\n",
    }
    for name, text in texts.items():
        new = folder / (name + ".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "w",
                  encoding="utf-8") as file:
            file.write(text)
        os.replace(new, folder / name)


class Controller:
    """A management controller."""

    def __init__(self, url, credentials):
        self.url = url
        pair = f"{credentials['user']}:{credentials['password']}".encode()
        self.authorization = "Basic " + base64.b64encode(pair).decode()

    def get(self):
        return self.send("GET", "", None)

    def reset(self, kind):
        self.send("POST", "/Actions/ComputerSystem.Reset", {"ResetType": kind})

    def send(self, method, path, body):
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", self.authorization)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        # What is refused or not understood ends this program: nobody knows then what was done.
        context = ssl.create_default_context()
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as reply:
            text = reply.read()
        return json.loads(text) if text.strip() else {}


if __name__ == "__main__":
    main()
