"""Starting and stopping in the right order: sockets, front, signals, drain, flush."""

import asyncio
import errno
import signal
import socket
from dataclasses import dataclass

from tornado.netutil import bind_sockets

from gateway.app import LoadRoutes, make_app, no_routes
from gateway.errors import StartupError
from gateway.handlers.calls import make_light_router
from gateway.handlers.refusals import make_reject
from gateway.log import get_logger
from gateway.services import Services
from gateway.serving.front import Front, make_front
from gateway.serving.limits import MIB, Limits

log = get_logger("gateway.lifecycle")
_BACKLOG = 4096
FLUSH_S = 5.0
"""How long a stop may take to write what waits, after the last answer."""
URGE_SIGNAL = signal.SIGUSR1
"""What a parent sends its workers for a second stop signal. Not SIGTERM again: a service's stop reaches
workers both directly and through their parent, and that is one request."""


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


@dataclass(frozen=True, slots=True)
class StopSignals:
    """What the process was asked for.

    stop    by the first SIGTERM or SIGINT
    urged   by the same one again: running answers are not waited for any longer
    """

    stop: asyncio.Event
    urged: asyncio.Event

    def heard(self, seen: set[int], number: int) -> None:
        if number in seen:
            self.urged.set()
        seen.add(number)
        self.stop.set()


def stop_on_signals() -> StopSignals:
    """Listen to SIGTERM and SIGINT; call it on the main thread's running loop."""
    signals = StopSignals(asyncio.Event(), asyncio.Event())
    loop = asyncio.get_running_loop()
    seen: set[int] = set()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.heard, seen, number)
    return signals


def stop_on_parents_signals() -> StopSignals:
    """Listen to what the parent of several workers sends; call it on the main thread's running loop."""
    signals = StopSignals(asyncio.Event(), asyncio.Event())
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, signals.stop.set)
    loop.add_signal_handler(URGE_SIGNAL, signals.urged.set)
    return signals


async def run(
    services: Services,
    sockets: list[socket.socket],
    stop: asyncio.Event,
    *,
    urged: asyncio.Event | None = None,
    load_routes: LoadRoutes = no_routes,
) -> None:
    """Serve until `stop` is set, then stop gracefully: running answers may finish up to the bound.

    urged   ends that wait
    """
    boot = services.boot
    front = make_front(
        boot.http_front,
        application=make_app(services, load_routes),
        light=make_light_router(services),
        limits=Limits(max_body_bytes=boot.max_body_mb * MIB),
        reject=make_reject(services),
    )
    if services.siblings is not None:
        await services.siblings.start()
    services.background.start()
    await front.add_sockets(sockets)
    host, port = sockets[0].getsockname()[:2]
    log.info("serving", host=host, port=port, front=boot.http_front, database=services.store.place)
    await stop.wait()
    await shut_down(services, front, urged=urged or asyncio.Event())


async def shut_down(services: Services, front: Front, *, urged: asyncio.Event) -> None:
    """Drain the front, close the upstream side, write what waits."""
    services.draining = True
    for farewell in services.farewells:
        farewell()
    bound_s = services.boot.shutdown_timeout_seconds
    log.info("stopping", connections=front.open_connections, bound_s=bound_s)
    cut = await _drain(front, bound_s, urged)
    await services.model_list.stop()
    await services.desk.stop()
    await services.background.stop()
    await services.engine.transport.close()
    await services.downloads.close()
    await asyncio.get_running_loop().run_in_executor(None, services.store.close, FLUSH_S)
    if services.siblings is not None:
        services.siblings.close()
    log.info("stopped", connections_cut=cut)


async def _drain(front: Front, bound_s: float, urged: asyncio.Event) -> int:
    patient = asyncio.ensure_future(front.drain(bound_s))
    urging = asyncio.ensure_future(urged.wait())
    try:
        await asyncio.wait((patient, urging), return_when=asyncio.FIRST_COMPLETED)
        if patient.done():
            return patient.result()
        patient.cancel()
        await asyncio.wait((patient,))
        return await front.drain(0)
    finally:
        urging.cancel()
