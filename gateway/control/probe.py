"""Asking whether keys that are not used would work again, with a call that costs no quota.

One at a time, each key less and less often; a pass puts it back to work, a refusal says why. Run as a job.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from gateway.control.memory import PROBE, owner_name
from gateway.control.probe_results import ProbeResult, read_result, write_result
from gateway.errors import StoreError
from gateway.log import get_logger
from gateway.pool.changes import Change, KeyChange
from gateway.pool.effects import EFFECTS, Effect
from gateway.pool.key import GEMINI, KeyState
from gateway.protocols.failures import Failure, FailureKind, classify, from_transport
from gateway.protocols.model_names import resource_name
from gateway.protocols.redaction import redact
from gateway.relay.engine import Engine
from gateway.store.records import KeyRow, PoolStateName, PoolStateRow
from gateway.store.store import Store
from gateway.upstream.fetch import Response, UpstreamCallFailed, fetch
from gateway.upstream.transport import FailureCause, Timeouts, UpstreamRequest

log = get_logger("gateway.probe")
SWEEP_S = 60.0
"""How often due keys are looked for."""
MOST_A_SWEEP = 200
_DOUBT_S = 60.0
_LONGEST_INTERVALS = 24
_MAX_DOUBLINGS = 10
_ANSWER_S = 20.0
_MAX_BYTES = 1024 * 1024
_UNREACHABLE_IN_A_ROW = 3
_JITTER = 0.2
VERTEX = "vertex"
_AS_JSON = ("content-type", "application/json")
_NOTHING_MUCH = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
_ONE_WORD = _NOTHING_MUCH[:-1] + b',"generationConfig":{"maxOutputTokens":16}}'
# What listing models says nothing of: these rests end by themselves.
_NOT_ASKED = frozenset({FailureKind.BILLING, FailureKind.ACCOUNT_LIMITED})
_REFUSALS = frozenset({Effect.KILL_KEY, Effect.KILL_PROJECT, Effect.REST_PROJECT})
_DEATHS = frozenset({Effect.KILL_KEY, Effect.KILL_PROJECT})


class Prober:
    """Probes the keys that are dead or in doubt.

    interval_s   the wait before a dead key's first probe, doubled after each refusal up to 24 times as
                 long; 0 probes nothing. A key in doubt is first asked after a minute
    note         remembers and shares what the pool does not tell itself (`PoolMemory.note`)
    test_model   what a check by a generation asks
    rowless      keys that are no rows of the table (paid_key.py)
    pause_s      about the time between two probes
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        interval_s: Callable[[], float],
        note: Callable[[Sequence[Change]], None],
        test_model: Callable[[], str] = lambda: "gemini-3.5-flash-lite",
        rowless: Callable[[], Sequence[KeyRow]] = tuple,
        pause_s: float = 1.0,
    ) -> None:
        self._engine = engine
        self._store = store
        self._interval_s = interval_s
        self._note = note
        self._test_model = test_model
        self._rowless = rowless
        self._pause_s = pause_s
        self._results: dict[int, ProbeResult] = {}
        self._loaded = False

    def every_s(self) -> float:
        """How often `sweep` wants to run; 0 for never."""
        return min(SWEEP_S, self._interval_s())

    async def sweep(self) -> int:
        """Probe the keys that are due, the one due longest first; gives how many. Raises StoreError."""
        interval_s = self._interval_s()
        if interval_s <= 0:
            return 0
        results = await self._known_results()
        now_s = self._engine.wall_s()
        suspects = {change.key_id: change for change in self._suspects(now_s)}
        self._forget(results, suspects, now_s - _LONGEST_INTERVALS * interval_s)
        due = sorted(
            (due_s, key_id)
            for key_id, change in suspects.items()
            if (due_s := _due_s(change, results.get(key_id), interval_s)) <= now_s
        )
        asked = [key_id for _, key_id in due[:MOST_A_SWEEP]]
        by_id = await self._rows(asked)
        probed = unreachable = 0
        for key_id in asked:
            if key_id not in by_id:
                continue
            if probed:
                await asyncio.sleep(self._pause_s * (0.5 + self._engine.random()))
            result = await self._probe(by_id[key_id], suspects[key_id], interval_s)
            probed += 1
            unreachable = unreachable + 1 if result.passed is None else 0
            if unreachable >= _UNREACHABLE_IN_A_ROW:
                log.info("probing_put_off", reason=result.message)
                break
        return probed

    async def check(self, key_id: int, *, generate: bool = False) -> ProbeResult | None:
        """Probe one key now, whatever its state, for an operator; None when there is no such key.

        generate   by a small generation, which costs quota and says more
        """
        row = (await self._rows([key_id])).get(key_id)
        if row is None:
            return None
        await self._known_results()
        return await self._probe(row, None, self._interval_s(), generate=generate)

    async def _rows(self, ids: Sequence[int]) -> dict[int, KeyRow]:
        rows = await self._store.read(lambda: self._store.keys.named(ids))
        return {row.id: row for row in (*rows, *self._rowless())}

    def _suspects(self, now_s: float) -> Iterable[KeyChange]:
        for state in self._engine.pool.snapshot(now_s):
            if not isinstance(state, KeyChange):
                continue
            is_out = state.state in (KeyState.DEAD, KeyState.RESTING)
            if is_out and state.kind not in _NOT_ASKED:
                yield state

    async def _probe(
        self, row: KeyRow, suspect: KeyChange | None, interval_s: float, *, generate: bool = False
    ) -> ProbeResult:
        failure = await self._ask(row, generate=generate)
        now_s = self._engine.wall_s()
        passed = True if failure is None else False if EFFECTS[failure.kind] in _REFUSALS else None
        before = self._results.get(row.id)
        # No answer is no reason to ask less often.
        tries = (before.tries if before is not None else 0) + (passed is not None)
        in_doubt = suspect is not None and suspect.state is KeyState.RESTING
        result = ProbeResult(
            key_id=row.id,
            alias=row.alias,
            at_s=now_s,
            passed=passed,
            kind=None if failure is None else failure.kind.value,
            message="" if failure is None else failure.message[:500],
            tries=tries,
            next_s=now_s + self._wait_s(tries, interval_s, in_doubt=in_doubt),
        )
        self._results[row.id] = result
        if passed:
            self._told(self._engine.pool.revive(row.id, now_s))
        elif passed is False and failure is not None and EFFECTS[failure.kind] in _DEATHS:
            self._bury(row, failure, now_s)
        log.info(
            "key_probed", key=row.alias, passed=passed, kind=result.kind, said=result.message, tries=tries
        )
        await self._keep(row.provider, result)
        return result

    async def _ask(self, row: KeyRow, *, generate: bool) -> Failure | None:
        """Ask for one model, or for one word of it; None when the key may."""
        engine, secret = self._engine, row.secret
        proxy = engine.egress.choose(secret, ())
        try:
            request = replace(self._question(row, generate=generate), proxy=proxy)
            response = await fetch(engine.transport, request, _MAX_BYTES)
        except UpstreamCallFailed as error:
            if proxy is not None and error.failure.cause is FailureCause.PROXY:
                engine.egress.failed(proxy)
            return from_transport(error.failure.cause.value, error.failure.message)
        except ValueError:
            # A key that cannot even be written into a header.
            return Failure(FailureKind.KEY_INVALID, message="The key holds characters that cannot be sent.")
        failure = _failure_in(response)
        return None if failure is None else replace(failure, message=redact(failure.message, (secret,)))

    def _question(self, row: KeyRow, *, generate: bool) -> UpstreamRequest:
        policy = self._engine.policy
        # A provider without an address of its own is Gemini under another name: the paid key's.
        provider = policy.providers.get(row.provider) or policy.providers[GEMINI]
        timeouts = Timeouts(policy.connect_s, _ANSWER_S, _ANSWER_S, 2 * _ANSWER_S)
        if generate or row.provider == VERTEX:  # where keys may not list models
            verb = "generateContent" if generate else "countTokens"
            body = _ONE_WORD if generate else _NOTHING_MUCH
            url = provider.url(f"{resource_name(self._test_model())}:{verb}")
            headers = provider.call_headers(row.secret, (_AS_JSON,))
            return UpstreamRequest("POST", url, headers=headers, body=body, timeouts=timeouts)
        url = provider.url("models", query="pageSize=1")
        return UpstreamRequest("GET", url, headers=provider.call_headers(row.secret), timeouts=timeouts)

    def _bury(self, row: KeyRow, failure: Failure, now_s: float) -> None:
        """Make a key dead that was only in doubt, or not even that."""
        known = self._engine.pool.explain(row.id, now_s)
        if known is None or known.state is KeyState.DEAD:
            return
        change = KeyChange(
            key_id=row.id,
            alias=row.alias,
            provider=row.provider,
            state=KeyState.DEAD,
            kind=failure.kind,
            message=failure.message,
            since_s=now_s,
            until_s=None,
            project=known.project or failure.project,
            activation_url=failure.activation_url,
        )
        if self._engine.pool.apply_change(change, now_s):
            self._told((change,))
            self._note((change,))  # the pool does not tell what it was told

    def _told(self, changes: Sequence[Change]) -> None:
        if changes:
            self._engine.observer.pool_changed(changes)

    def _wait_s(self, tries: int, interval_s: float, *, in_doubt: bool) -> float:
        first_s = min(_DOUBT_S, interval_s) if in_doubt else interval_s
        wait_s = min(first_s * 2.0 ** min(tries, _MAX_DOUBLINGS), interval_s * _LONGEST_INTERVALS)
        return wait_s * (1.0 + _JITTER * (2 * self._engine.random() - 1))

    # Remembering

    async def _known_results(self) -> dict[int, ProbeResult]:
        if not self._loaded:
            texts = await self._store.read(lambda: self._store.pool_states.all_of(PROBE))
            read = [result for text in texts if (result := read_result(text)) is not None]
            self._results = {result.key_id: result for result in read} | self._results
            self._loaded = True
        return self._results

    async def _keep(self, provider: str, result: ProbeResult) -> None:
        row = PoolStateRow(result_name(provider, result.key_id), write_result(result))
        try:
            await self._store.write(lambda: self._store.pool_states.put_many([row]))
        except StoreError:  # only an explanation; the store says that it is away
            log.debug("probe_not_kept", key=result.alias)

    @staticmethod
    def _forget(results: dict[int, ProbeResult], suspects: dict[int, KeyChange], before_s: float) -> None:
        """Let go of keys that have been well for long; until then a relapse is asked about less often."""
        for key_id in [each for each in results if each not in suspects and results[each].at_s < before_s]:
            del results[key_id]


def result_name(provider: str, key_id: int) -> PoolStateName:
    """Where a key's last probe is kept."""
    return PoolStateName(provider, owner_name(key_id), "", PROBE)


async def last_result(store: Store, provider: str, key_id: int) -> ProbeResult | None:
    """What a key's last probe said, whichever process made it. Raises StoreError."""
    text = await store.read(lambda: store.pool_states.find(result_name(provider, key_id)))
    return None if text is None else read_result(text)


def _due_s(change: KeyChange, last: ProbeResult | None, interval_s: float) -> float:
    """When a key is to be asked about."""
    first_s = min(_DOUBT_S, interval_s) if change.state is KeyState.RESTING else interval_s
    due_s = change.since_s + first_s
    return due_s if last is None else max(due_s, last.next_s)


def _failure_in(response: Response) -> Failure | None:
    if not 200 <= response.status < 300:
        return classify(response.status, response.body, retry_after=response.head.get("retry-after"))
    if not response.body.lstrip().startswith(b"{"):
        # Some page in between, such as a hotel's or a proxy's own.
        return Failure(FailureKind.UNKNOWN, response.status, message="What answered is not the Gemini API.")
    return None
