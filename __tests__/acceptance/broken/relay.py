"""Carries a node's TCP or UDP from one port to another, and can be cut."""

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

Look = Callable[[bytes], None]


class Relay:
    """TCP. Every piece that a client sends is shown to `look` before it goes on."""

    def __init__(self, own: int, upstream: int, look: Look = lambda _: None) -> None:
        self._upstream, self._look = upstream, look
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("0.0.0.0", own))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends every connection and takes no more."""
        for one in [self._server, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                node = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                client.close()
                continue
            self._open += [client, node]
            threading.Thread(target=self._carry, args=(client, node, self._look), daemon=True).start()
            threading.Thread(target=self._carry, args=(node, client, lambda _: None), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, look: Look) -> None:
        try:
            while piece := source.recv(65536):
                look(piece)
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for one in (source, sink):
                one.close()


class DatagramRelay:
    """UDP: every client has a socket of its own towards the node."""

    def __init__(self, own: int, upstream: int) -> None:
        self._upstream = upstream
        self._clients: dict[object, socket.socket] = {}
        self._is_cut = False
        self._server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server.bind(("0.0.0.0", own))
        threading.Thread(target=self._receive, daemon=True).start()

    def cut(self) -> None:
        """From now on every datagram is lost."""
        self._is_cut = True

    def _receive(self) -> None:
        while True:
            packet, client = self._server.recvfrom(65536)
            if client not in self._clients:
                towards = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                towards.connect(("127.0.0.1", self._upstream))
                self._clients[client] = towards
                threading.Thread(target=self._answer, args=(towards, client), daemon=True).start()
            self._pass(self._clients[client].send, packet)

    def _answer(self, towards: socket.socket, client: object) -> None:
        while True:
            try:
                packet = towards.recv(65536)
            except ConnectionRefusedError:
                time.sleep(0.1)  # the node is not there yet, or not any more
                continue
            self._pass(lambda packet: self._server.sendto(packet, client), packet)

    def _pass(self, send: Callable[[bytes], object], packet: bytes) -> None:
        if self._is_cut:
            return
        with suppress(OSError):
            send(packet)


def free_port() -> int:
    """A port that is free for TCP and UDP, promised to nobody else while this process lives, and that no outgoing connection takes meanwhile."""
    while True:
        port = random.randrange(12_000, 32_000)
        name = socket.socket(socket.AF_UNIX)
        with socket.socket() as streams, socket.socket(type=socket.SOCK_DGRAM) as datagrams, suppress(OSError):
            name.bind(f"\0director-image/port/{port}".ljust(108, "-"))  # as src/acceptance/process-ports.ts has it
            streams.bind(("0.0.0.0", port))
            datagrams.bind(("0.0.0.0", port))
            promises.append(name)
            return port


promises: list[socket.socket] = []
