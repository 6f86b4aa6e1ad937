"""The HTTP server: requests in, answers out, bytes counted; connections are closed where a fault says so."""

import socket
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from . import control, dispatch

LARGEST_BODY = 1 << 20


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, cloud, address="127.0.0.1", port=0):
        super().__init__((address, port), Handler)
        self.cloud = cloud

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, request, client_address):
        """A client that goes away is no news: tests kill theirs."""
        wrong = sys.exc_info()[1]
        if not isinstance(wrong, (ConnectionError, TimeoutError)):
            traceback.print_exc()
            self.cloud.bugs.append(f"server: {type(wrong).__name__}: {wrong}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, *_):
        """The log of calls says it all."""

    def read(self):
        """The request with its body; absent (and answered) where it cannot be read."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self.send(dispatch.Answer(411, "text/plain", b"a Content-Length of at most 1 MiB is needed"))
            return None
        headers = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        parts = urlsplit(self.path)
        return dispatch.Request(self.command, parts.path, parts.query, headers, self.rfile.read(int(length)))

    def handle_one(self):
        request = self.read()
        if request is None:
            return
        cloud = self.server.cloud
        if request.path == "/_control" or request.path.startswith("/_control/"):
            self.send(self.controlled(cloud, request))
            return
        given = dispatch.answer(cloud, request)
        sent = len(self.raw_requestline) + sum(len(n) + len(v) + 4 for n, v in self.headers.items()) + 2
        out = self.bytes_of(given, request.id)
        # Before the client can ask for the log, having seen its answer.
        cloud.calls.add(sent=sent + len(request.body), answered=len(out), **given.logged)
        self.put(given, out)

    def controlled(self, cloud, request):
        """The control interface serves this machine alone, also where the server listens on more."""
        here = {"127.0.0.1", self.server.server_address[0]}
        if self.client_address[0] not in here or "origin" in request.headers:
            return dispatch.Answer(403, "text/plain", b"only from this machine\n")
        return control.answer(cloud, request)

    def send(self, given):
        self.put(given, self.bytes_of(given))

    def put(self, given, out):
        if given.close != dispatch.NOTHING:
            self.wfile.write(out)
            return
        self.close_connection = True
        try:
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:  # the client was quicker
            pass

    def bytes_of(self, given, request_id=""):
        """What goes out."""
        if given.close == dispatch.NOTHING:
            return b""
        reason = self.responses.get(given.status, ("Answer",))[0]
        date = self.server.cloud.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        head = f"HTTP/1.1 {given.status} {reason}\r\nDate: {date}\r\nServer: AmazonEC2\r\n"
        head += f"Content-Type: {given.content_type}\r\nContent-Length: {len(given.body)}\r\n"
        if request_id:
            head += f"x-amzn-RequestId: {request_id}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in given.headers.items())
        if self.close_connection:
            head += "Connection: close\r\n"
        out = head.encode() + b"\r\n" + given.body
        if given.close is not None:
            out = out[: len(head) + 2 + given.close]
            self.close_connection = True
        return out

    do_GET = do_POST = do_PUT = do_DELETE = handle_one
