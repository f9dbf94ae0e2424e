"""Schema registries on 127.0.0.1: a real one (Apicurio, a process of its own), and one that answers as it is told."""

import base64
import json
import os
import signal
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .cluster import free_ports
from .processes import spawn, until

START_SECONDS = 90  # It takes 3 to 6 s; the rest is for busy cores.
STOP_SECONDS = 20
API = "/apis/ccompat/v7"
JVM = "-Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData".split()
# With its access log on, about one error answer in a thousand never comes.
PROPERTIES = {
    "quarkus.http.host": "127.0.0.1",
    "quarkus.management.host": "127.0.0.1",
    "quarkus.http.access-log.enabled": "false",
    "apicurio.rules.global.compatibility": "BACKWARD",
    "apicurio.datasource.jdbc.initial-size": 2,
    "apicurio.datasource.jdbc.min-size": 2,
    "apicurio.datasource.jdbc.max-size": 20,
}


def home():
    """The folder that script/setup filled."""
    path = Path(os.environ.get("WEIR_REGISTRY_HOME", "/nonexistent"))
    if not (path / "quarkus-run.jar").is_file():
        raise FileNotFoundError("no registry here: run script/setup, then start this through script/test")
    return path


class Registry:
    """Apicurio with its schemas in a file, so that they outlive it; the same port at each start."""

    def __init__(self, folder):
        self.folder = Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self._management = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}{API}"
        self._process = None

    def _argv(self):
        java = home() / "jre/bin/java"
        settings = {
            **PROPERTIES,
            "java.io.tmpdir": self.folder,
            "quarkus.http.port": self.port,
            "quarkus.management.port": self._management,
            "apicurio.datasource.url": f"jdbc:h2:file:{self.folder}/schemas;WRITE_DELAY=0",
        }
        given = [f"-D{name}={value}" for name, value in settings.items()]
        return [java if java.is_file() else "java", *JVM, *given, "-jar", home() / "quarkus-run.jar"]

    def start(self):
        """Safe to call on one that runs."""
        if self._process is not None and self._process.poll() is None:
            return self
        with open(self.folder / "log", "ab") as log:
            self._process = spawn(self._argv(), stdout=log, stderr=subprocess.STDOUT)
        until(self._ready_or_dead, START_SECONDS, lambda: f"the registry to start\n{self._tail()}", every=0.1)
        if self._process.poll() is not None:
            raise RuntimeError(f"the registry ended while starting:\n{self._tail()}")
        return self

    def _ready_or_dead(self):
        try:
            return self._process.poll() is not None or isinstance(self.ask("/subjects"), list)
        except (OSError, ValueError):
            return False

    def _tail(self):
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-25:])

    def ask(self, path, body=None):
        """The answer as JSON; HTTPError for a status that is none of success."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def register(self, subject, schema):
        """Registers a schema, given as text or as what JSON makes of it, and returns its id."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        return self.ask(f"/subjects/{subject}/versions", {"schema": text})["id"]

    def register_folder(self, folder):
        """Registers the newest version of each subject of a folder; returns the ids by subject."""
        ids = {}
        for subject in sorted(Path(folder).iterdir()):
            newest = max(subject.glob("v*.avsc"), key=lambda path: int(path.stem[1:]))
            ids[subject.name] = self.register(subject.name, newest.read_text())
        return ids

    def kill(self):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(STOP_SECONDS)

    def pause(self):
        """It takes connections and does not answer."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)


class Moody:
    """A registry that answers an id as it is told: with the schema, a status, garbage, or never.

    credentials: the Authorization header it wants. tls: (certificate and key, CA that clients must be of)."""

    def __init__(self, subjects, credentials=None, tls=None):
        self.schemas = {number: text for number, (_, text) in enumerate(subjects.items(), 1)}
        self.subjects = {subject: number for number, subject in enumerate(subjects, 1)}
        self.moods = {}  # by id or subject: a status, "garbage" or "never"
        self.guids = {}  # ids by the hexadecimal digits of a GUID
        self.credentials = credentials
        self.hits = {}
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls[0])
            if len(tls) > 1:
                context.load_verify_locations(tls[1])
                context.verify_mode = ssl.CERT_REQUIRED
            plain = self._server.socket
            self._server.socket = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path, headers):
        """(status, body) for a path."""
        if self.credentials and headers.get("Authorization") != self.credentials:
            return 401, {"error_code": 401, "message": "Unauthorized"}
        words = path.strip("/").split("/")
        if words[:2] == ["schemas", "ids"]:
            return self._answer_id(int(words[2]))
        if words[:2] == ["schemas", "guids"]:
            return self._answer_id(self.guids.get(words[2].replace("-", "")))
        if words[0] == "subjects" and words[1] in self.moods:
            return self._be_moody(self.moods[words[1]])
        if words[0] == "subjects" and words[1] in self.subjects:
            number = self.subjects[words[1]]
            return 200, {"subject": words[1], "version": 1, "id": number, "schema": self.schemas[number]}
        return 404, {"error_code": 40401, "message": "Subject not found"}

    def _answer_id(self, number):
        self.hits[number] = self.hits.get(number, 0) + 1
        if number in self.moods:
            return self._be_moody(self.moods[number])
        if number not in self.schemas:
            return 404, {"error_code": 40403, "message": f"Schema {number} not found"}
        return 200, {"schema": self.schemas[number]}

    def _be_moody(self, mood):
        if mood == "never":
            self.closing.wait()
        if isinstance(mood, int):
            return mood, {"error_code": mood, "message": "moody"}
        return 200, "<html>Please log in</html>"

    def _handler(self):
        moody = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = moody.answer(self.path, self.headers)
                data = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        return Handler


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Certificates:
    """A certificate authority in a folder, a server's certificate for 127.0.0.1, and a client's."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.ca_key = self.folder / "ca.pem", self.folder / "ca.key"
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=weir test CA",
                      "-keyout", self.ca_key, "-out", self.ca)
        self.server, self.server_key = self._issue("server", "subjectAltName=IP:127.0.0.1")
        self.client, self.client_key = self._issue("client", "extendedKeyUsage=clientAuth")
        self.server_chain = self.folder / "server-chain.pem"
        self.server_chain.write_text(self.server.read_text() + self.server_key.read_text())

    def _openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)

    def _issue(self, name, extension):
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(extension + "\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial",
                      "-days", "2", "-extfile", extensions, "-out", certificate)
        return certificate, key
