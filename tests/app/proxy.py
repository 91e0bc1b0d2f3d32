"""A proxy on loopback that adds a header to every request, as one does that tells who looks."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

_PIECE = 65_536


class Proxy:
    """Passes bytes on between a browser and a server; each piece that begins a request gets the header."""

    def __init__(self, target: str, header: str) -> None:
        found = urlsplit(target)
        self._target, self._header = (str(found.hostname), int(found.port or 80)), header.encode()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            for source, sink, header in ((client, server, self._header), (server, client, b"")):
                threading.Thread(target=_pass_on, args=(source, sink, header), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket, header: bytes) -> None:
    try:
        while piece := source.recv(_PIECE):
            if header and piece.startswith((b"GET ", b"POST ")):
                first, _, rest = piece.partition(b"\r\n")
                piece = first + b"\r\n" + header + b"\r\n" + rest
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()
