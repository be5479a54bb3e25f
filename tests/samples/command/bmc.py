"""A management controller of the tests; prints its port. A reset takes `Once` back at the next look."""

import base64
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

SYSTEM = {"PowerState": "Off", "Boot": {"BootSourceOverrideEnabled": "Disabled"}}
LOOKS = {"left": 0}
WANTED = "Basic " + base64.b64encode(b"admin:canaryPassword-bmc").decode()


class Handler(BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else {}
        if self.headers.get("Authorization") != WANTED:
            return self.say(401, {})
        if self.command == "PATCH":
            SYSTEM["Boot"].update(body["Boot"])
        elif self.command == "POST":
            SYSTEM["PowerState"] = "Off" if body["ResetType"] == "ForceOff" else "On"
            LOOKS["left"] = 2
        elif SYSTEM["PowerState"] == "On":
            LOOKS["left"] -= 1
            if LOOKS["left"] <= 0:
                SYSTEM["Boot"]["BootSourceOverrideEnabled"] = "Disabled"
        return self.say(200, SYSTEM)

    do_GET = do_PATCH = do_POST = answer

    def say(self, status, tree):
        text = json.dumps(tree).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
