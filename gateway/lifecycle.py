"""Starting and stopping in the right order: sockets, front, signals, drain, flush."""

import asyncio
import errno
import signal
import socket

from tornado.netutil import bind_sockets

from gateway.app import Routes, make_app
from gateway.errors import StartupError
from gateway.handlers.calls import make_light_router
from gateway.handlers.refusals import make_reject
from gateway.log import get_logger
from gateway.services import Services
from gateway.serving.front import Front, make_front
from gateway.serving.limits import MIB, Limits

log = get_logger("gateway.lifecycle")
_BACKLOG = 1024
_FLUSH_S = 5.0


def open_sockets(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Listen on an address. Raises StartupError that says what is wrong with it.

    shared   several processes listen on the same port
    """
    try:
        return bind_sockets(port, address=host or None, backlog=_BACKLOG, reuse_port=shared)
    except socket.gaierror:
        raise StartupError(f"HOST '{host}' is not an address of this machine.") from None
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: f"Port {port} is in use by another program. Stop it, or set another PORT.",
            errno.EACCES: f"Port {port} may not be opened by this user. Set PORT to one above 1023.",
            errno.EADDRNOTAVAIL: f"HOST '{host}' is not an address of this machine.",
        }
        words = reasons.get(error.errno or 0, f"Port {port} on {host} cannot be opened: {error.strerror}.")
        raise StartupError(words) from None


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; call it on the main thread's running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def run(
    services: Services, sockets: list[socket.socket], stop: asyncio.Event, *, extra_routes: Routes = ()
) -> None:
    """Serve until `stop` is set, then stop gracefully: running answers may finish up to the bound."""
    boot = services.boot
    front = make_front(
        boot.http_front,
        application=make_app(services, extra_routes),
        light=make_light_router(services),
        limits=Limits(max_body_bytes=boot.max_body_mb * MIB),
        reject=make_reject(services),
    )
    await front.add_sockets(sockets)
    host, port = sockets[0].getsockname()[:2]
    log.info("serving", host=host, port=port, front=boot.http_front, database=services.store.place)
    await stop.wait()
    await shut_down(services, front)


async def shut_down(services: Services, front: Front) -> None:
    """Drain the front, close the upstream side, write what waits."""
    services.draining = True
    bound_s = services.boot.shutdown_timeout_seconds
    log.info("stopping", connections=front.open_connections, bound_s=bound_s)
    cut = await front.drain(bound_s)
    await services.engine.transport.close()
    await asyncio.get_running_loop().run_in_executor(None, services.store.close, _FLUSH_S)
    log.info("stopped", connections_cut=cut)
