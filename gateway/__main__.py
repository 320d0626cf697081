"""The command line: serve (the default), demo, doctor, version and gateway/commands. Mounts the admin.

Exit codes: docs/command-line.md.
"""

import argparse
import asyncio
import gc
import socket
import sys
from collections.abc import Callable, Sequence

from admin.entrance import load_routes
from gateway import __version__
from gateway.building import Opened, build_services, open_store
from gateway.commands import database, exports, imports, keys
from gateway.commands.options import add_env_file, settings_given, sources_of
from gateway.commands.terminal import show_admin_token
from gateway.doctor import examine
from gateway.errors import StartupError, StoreError
from gateway.gather import Place, Siblings
from gateway.lifecycle import FLUSH_S, open_sockets, run, stop_on_parents_signals, stop_on_signals
from gateway.log import Redaction, configure, get_logger, set_level
from gateway.loop import make_loop
from gateway.pool.key import KeyState
from gateway.resources import claim_resources, give_back_free_memory
from gateway.services import Services
from gateway.settings.sources import Sources
from gateway.workers import Supervisor

log = get_logger("gateway.start")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    arguments = make_parser().parse_args(_with_default_command(list(sys.argv[1:] if argv is None else argv)))
    try:
        return int(arguments.run(arguments))
    except (StartupError, StoreError) as error:
        print(f"gateway: {error}", file=sys.stderr)  # noqa: T201 - the operator's terminal
        return 1
    except KeyboardInterrupt:  # Ctrl-C while it starts; once it serves, that is a request to stop
        return 130


def make_parser() -> argparse.ArgumentParser:
    """Every command with its words; docs/command-line.md is made of it."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway",
        description="One address for the Gemini API over a pool of keys. Without a command it serves.",
        epilog="Exit codes: 0 done, 1 not done or something is wrong (it says what), 2 wrong arguments. "
        "docs/command-line.md tells every command.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve until a stop signal (the default command)",
        description="Serve until a stop signal; running answers may end within SHUTDOWN_TIMEOUT_SECONDS.",
    )
    _add_serving_options(serve)
    serve.set_defaults(run=_serve)
    demo = commands.add_parser(
        "demo",
        help="serve with a simulated Gemini behind, to see it work without a key",
        description="Serve with a simulated Gemini behind and keys of every health. Needs no key, reads no "
        ".env and touches no data.",
    )
    _add_serving_options(demo)
    demo.set_defaults(run=_demo)
    keys.add_to(commands)
    imports.add_to(commands)
    exports.add_to(commands)
    database.add_to(commands)
    doctor = commands.add_parser(
        "doctor",
        help="look at settings, database, upstream and keys; say what is wrong",
        description="Look, without changing anything: where each setting comes from, whether the database "
        "lets us in and how old its schema is, whether the upstream answers directly or through each proxy, "
        "keys, secrets anybody could guess, the clock. Ends with 1 when something is wrong.",
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    add_env_file(doctor)
    doctor.set_defaults(run=lambda given: examine(sources_of(given), as_json=given.json))
    version = commands.add_parser("version", help="print the version", description="Print the version.")
    version.set_defaults(run=_version)
    return parser


def _add_serving_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", help="address to listen on (HOST)")
    command.add_argument("--port", help="port to listen on, 0 for a free one (PORT)")
    command.add_argument("--workers", help="processes that share the port (WORKERS)")
    add_env_file(command)


def _with_default_command(argv: list[str]) -> list[str]:
    asks_for_help = bool(argv) and argv[0] in ("-h", "--help")
    if asks_for_help or (argv and not argv[0].startswith("-")):
        return argv
    return ["serve", *argv]


def _serve(arguments: argparse.Namespace) -> int:
    return serve(sources_of(arguments))


def serve(sources: Sources, *, greeting: Callable[[str, int], str] | None = None) -> int:
    """Serve until a stop signal, in this process or in WORKERS of them.

    greeting   shown on the terminal once the address is known
    """
    claim_resources()  # before the first large block: scrypt takes 4 MB for the fingerprint of a secret
    boot = sources.boot
    redaction = configure(level="INFO", log_format=boot.log_format)
    for warning in sources.warnings:
        log.warning("setting_looks_wrong", warning=warning)
    if sources.unknown_names:
        log.info("unknown_names_in_env_file", names=", ".join(sources.unknown_names))
    if boot.workers == 1:
        sockets = open_sockets(boot.host, boot.port)
        return _serve_here(sources, _open(sources), redaction, sockets, greeting=greeting)
    workers = Supervisor(boot.host, boot.port, boot.workers)
    # The parent merges the environment, so that it happens once; the workers find it done. Closed again,
    # with its threads, before any of them is forked.
    opened = _open(sources)
    opened.store.close()
    set_level(opened.configuration.settings.log_level)
    if greeting is not None:
        sys.stderr.write(greeting(*workers.address))
    _keep_what_is_loaded()
    return workers.run(
        lambda place, sockets: _work(sources, place, sockets),
        stop_within_s=boot.shutdown_timeout_seconds + 2 * FLUSH_S,
    )


def _work(sources: Sources, place: Place, sockets: list[socket.socket]) -> int:
    """Be one of several workers."""
    redaction = configure(level="INFO", log_format=sources.boot.log_format, worker=place.number)
    return _serve_here(sources, open_store(sources), redaction, sockets, place=place)


def _open(sources: Sources) -> Opened:
    """Open the store and show the administrator's token if it was made up just now."""
    opened = open_store(sources)
    if opened.configuration.new_admin_token is not None:
        show_admin_token(opened.configuration.new_admin_token)
    return opened


def _serve_here(
    sources: Sources,
    opened: Opened,
    redaction: Redaction,
    sockets: list[socket.socket],
    *,
    greeting: Callable[[str, int], str] | None = None,
    place: Place | None = None,
) -> int:
    """Serve in this process, which has a place when it is one of several."""
    set_level(opened.configuration.settings.log_level)

    async def serving() -> None:
        services = build_services(sources, opened, redaction, asyncio.get_running_loop())
        _keep_what_is_loaded()
        if place is not None:
            services.siblings = Siblings(place, services.metrics)
        if place is None or place.number == 0:
            _say_what_next(services)
        if greeting is not None:
            host, port = sockets[0].getsockname()[:2]
            sys.stderr.write(greeting(host, port))
        signals = stop_on_signals() if place is None else stop_on_parents_signals()
        await run(services, sockets, signals.stop, urged=signals.urged, load_routes=load_routes)

    try:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(serving())
    finally:
        opened.store.close()
    return 0


def _keep_what_is_loaded() -> None:
    """Have what is there now looked through for garbage for the last time.

    Looking through a hundred thousand keys would stop a serving process's calls for 0.1 s. Workers share
    their parent's pages, and each look would write to these: every worker would have its own copy. What the
    start held for a moment is given back.
    """
    gc.collect()
    gc.freeze()
    give_back_free_memory()


def _say_what_next(services: Services) -> None:
    counts = services.pool.counts(services.engine.wall_s()).keys
    if not sum(counts.values()):
        log.warning(
            "no_keys_yet", next="Put Gemini API keys into API_KEYS (environment or .env) and start again."
        )
    elif not counts[KeyState.ACTIVE]:
        log.warning("no_key_usable", next="Every key is dead or disabled; see the log or add another one.")


def _demo(arguments: argparse.Namespace) -> int:
    # Here, not above: the simulator would cost every other start a tenth of its time.
    from gateway.demo import demo_sources, what_to_try

    with demo_sources(settings_given(arguments)) as sources:
        return serve(sources, greeting=what_to_try)


def _version(_: argparse.Namespace) -> int:
    print(__version__)  # noqa: T201 - what was asked for
    return 0


if __name__ == "__main__":
    sys.exit(main())
