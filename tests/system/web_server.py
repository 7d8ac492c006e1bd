"""A small web server in front of a CGI program, with basic authentication.

It does what docs/operations.md asks of the administrator's web server: it sets REMOTE_USER from the password that it has
checked, and from nothing else. Headers of the request reach the program as CGI gives them, under HTTP_.

Arguments: the URL's prefix, how a request without a login is met ("ask" or "pass"), a file of "login:password" lines, the
environment as NAME=VALUE words, "--", and the program with its arguments. It prints its port and serves until it is ended.
"""

import base64
import http.server
import subprocess
import sys

prefix, without_login, people = sys.argv[1:4]
split = sys.argv.index("--")
settings = dict(word.partition("=")[::2] for word in sys.argv[4:split])
program = sys.argv[split + 1 :]
with open(people, encoding="utf-8") as lines:
    passwords = dict(line.rstrip("\n").split(":", 1) for line in lines)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def login(self):
        """Returns the login that the request proves; None without one; False where the proof is wrong."""
        given = self.headers.get_all("Authorization") or []
        if not given:
            return None
        scheme, _, proof = given[0].partition(" ")
        try:
            name, _, password = base64.b64decode(proof, validate=True).decode().partition(":")
        except ValueError:
            return False
        right = len(given) == 1 and scheme.lower() == "basic" and passwords.get(name) == password
        return name if right else False

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        login = self.login()
        if login is False or (login is None and without_login == "ask"):
            return self.say(401, [("WWW-Authenticate", 'Basic realm="git.example.com"')], b"")
        path, _, query = self.path.partition("?")
        if not path.startswith(prefix) or "Transfer-Encoding" in self.headers:
            return self.say(400, [], b"")
        environment = {
            **settings,
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PROTOCOL": self.request_version,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": prefix.rstrip("/"),
            "PATH_INFO": path[len(prefix) - 1 :],
            "QUERY_STRING": query,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        for name, value in self.headers.items():
            if name.lower() not in ("authorization", "content-length", "content-type", "proxy"):
                environment["HTTP_" + name.upper().replace("-", "_")] = value
        if login:
            environment.update(REMOTE_USER=login, AUTH_TYPE="Basic")
        done = subprocess.run(program, input=body, stdout=subprocess.PIPE, env=environment, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
        status = next((int(value[:3]) for name, value in fields if name == "Status"), 200)
        return self.say(status, [field for field in fields if field[0] != "Status"], content)

    do_GET = do_POST = answer

    def say(self, status, fields, content):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
