#!/usr/bin/env python3
"""The panel's four words as somebody would write them in an afternoon: what ours stand beside."""
import json
import os
import re
import sys
import time

HOME = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def read(name):
    with open(os.path.join(HOME, name)) as file:
        return json.load(file)


def store(name, value):
    """Written, synced, renamed, and the folder synced."""
    path = os.path.join(HOME, name)
    descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def answer(word, *rest):
    if word == "help":
        options = ["help", "configs", "order", "order_status"]
        return {"name": "plugin", "version": "1", "status": "enabled", "options": options}
    if word == "configs":
        sold = read("etc/plugin.conf")["configurations"]
        sold = [{"id": one["id"], "descr": one["descr"]} for one in sold]
        return {"status": "enabled", "configurations": sold}
    if word == "order":
        sold = [one["id"] for one in read("etc/plugin.conf")["configurations"]]
        if rest[0] not in sold:
            raise ValueError("no configuration " + rest[0])
        task = "%d-%d" % (time.time(), os.getpid())
        order = {"task_id": task, "status": "in_progress", "configuration": rest[0]}
        store("orders/%s.json" % task, order)
        return {"task_id": task}
    if word == "order_status":
        if not re.fullmatch("[0-9-]+", rest[0]):
            raise ValueError("no order " + rest[0])
        return read("orders/%s.json" % rest[0])
    raise ValueError("unknown word " + word)


try:
    print(json.dumps(answer(*sys.argv[1:])))
except Exception as problem:
    print(json.dumps({"error": 1, "error_message": str(problem)}))
    sys.exit(1)
