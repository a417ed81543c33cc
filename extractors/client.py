"""The one HTTP client: an address in, an Answer or a FetchError out; politely, within bounds, and never to a private address.

Redirects, robots.txt, conditional requests and the one deadline are seen to here; the sockets in ``extractors.transport``.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Literal, Self, cast
from urllib.parse import quote

import aiohttp
from yarl import URL

from domain.errors import AddressRefused, FetchError
from domain.values import Capture
from extractors.client_options import ClientOptions
from extractors.decoding import OFFERED, Decoder, DecodingError, encodings
from extractors.failures import explain, let_go, status_error
from extractors.guard import Target, in_networks, shown, vet_url
from extractors.headers import Validators, read_fresh_until, read_media_type, read_retry_after, read_validators
from extractors.in_hand import InHand, Place
from extractors.meter import Meter
from extractors.politeness import Turns
from extractors.robots import ALLOW_ALL, MAX_ROBOTS, Robots, read_robots
from extractors.transport import MAX_HEAD, Guard, Lookup, MalformedError, Response, led_from_outside, open_session, system_lookup

__all__ = ["Answer", "Client", "Validators"]

ACCEPT = {
    "feed": "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5",
    "page": "text/html, application/xhtml+xml, */*;q=0.5",
}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_YIELDS = frozenset({200, 203})
_MOST_OF_REFUSAL = 1_000_000
_REFUSAL_SECONDS = 5.0
"""What is read of a body that comes with a status such as 404, where the caller wants to keep it: it proves, it is not read."""
_ROBOTS_DEADLINE = 10.0
_PATIENCE = 45.0
"""Seconds one host may keep a run waiting in all: with a deadline of 30 a hanging one is left alone after 45, not 100 × 30."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A capture and what the server said of asking again.

    ``moved_to``: the address to ask from now on, where only permanent redirects (301, 308) led to the answer, else ``None``;
    to be believed only once what is there has been read as what was looked for. ``validators`` are for the next request (those
    of the last one where a 304 gives none). ``fresh_until``: before then nothing new is to be expected. ``notes``: sentences.
    """

    capture: Capture
    moved_to: str | None = None
    validators: Validators = field(default_factory=Validators)
    fresh_until: datetime | None = None
    retry_after: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def unchanged(self) -> bool:
        return self.capture.status == 304


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one call of ``fetch`` wants, the same for each hop."""

    headers: dict[str, str]
    validators: Validators
    max_body: int
    owner: str
    deadline: float
    meter: Meter
    cut: bool = False
    kept: frozenset[int] = frozenset()

    @property
    def conditional(self) -> bool:
        return "If-None-Match" in self.headers or "If-Modified-Since" in self.headers


@dataclass(frozen=True, slots=True)
class _Hop:
    """One answer: a status, its headers, its body ("" for a redirect), also in gzip where it came so, and who sent it."""

    response: Response
    body: bytes
    gzipped: bytes = b""


@dataclass(slots=True)
class _Pause:
    """Seconds an answer was held up by us, for want of memory: they are no fault of its server's."""

    seconds: float = 0.0


class Client:
    """``async with Client(options) as client: answer = await client.fetch(url)``; one for a whole run."""

    def __init__(
        self,
        options: ClientOptions,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        lookup: Lookup = system_lookup,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.options = options
        self._clock, self._lookup, self._tls = clock, lookup, tls
        self._guard = Guard(options.networks, options.ports)
        self._session: aiohttp.ClientSession | None = None
        self._robots: dict[str, asyncio.Task[Robots | FetchError]] = {}
        self._in_hand = InHand()
        self._turns = Turns(
            connections=options.connections, pause=options.host_pause, patience=max(_PATIENCE, 1.5 * options.deadline)
        )

    async def __aenter__(self) -> Self:
        self._session = open_session(self._guard, lookup=self._lookup, tls=self._tls, connect=self.options.connect_deadline)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._robots.values():
            task.cancel()
        await asyncio.gather(*self._robots.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def fetch(
        self,
        url: str,
        *,
        validators: Validators | None = None,
        accept: Literal["feed", "page"] = "feed",
        robots: bool = False,
        max_body: int | None = None,
        owner: str = "",
        found_at: str = "",
        meter: Meter | None = None,
        kept: frozenset[int] = frozenset(),
    ) -> Answer:
        """Fetch one address; raises FetchError (AddressRefused where it is never connected to), and nothing else.

        ``owner`` (a source's id) keeps one source's failures from counting against another's on one's own machines.
        ``found_at`` is the server address of the capture in which the address was found: where that is a public one, the
        networks of ``SHOLU_ALLOW_ADDRESSES`` are not open to it, so that a hostile feed cannot have your intranet read out.
        ``meter`` counts what this costs the run, and shortens what is begun when little is left. ``kept`` are statuses (404, 410)
        that are wanted as an Answer with whatever body came with them, in place of a FetchError.
        """
        led_from_outside.set(bool(found_at) and not in_networks(found_at, self.options.networks))
        given = validators or Validators()
        headers = {"User-Agent": self.options.user_agent, "Accept": ACCEPT[accept], "Accept-Encoding": OFFERED, **given.headers()}
        asked = _Asked(
            headers, given, max_body or self.options.max_body, owner, self.options.deadline, meter or Meter(), kept=kept
        )
        await self._in_hand.room()
        try:
            answer = await self._travel(url, asked, robots=robots and self.options.robots)
        except FetchError as failure:
            let_go(failure)
            raise
        except Exception as error:  # the edge: whatever a hostile answer makes aiohttp raise is that answer's fault
            let_go(error)
            raise explain(error, url) from error
        self._in_hand.hold(answer.capture)
        return answer

    async def _travel(self, url: str, asked: _Asked, *, robots: bool) -> Answer:
        """Follow redirects, each hop vetted, within one deadline; waiting for a turn does not count."""
        options = self.options
        target = vet_url(url, ports=options.ports, networks=options.networks)
        hops: list[str] = []
        notes: list[str] = []
        permanent = True
        left = asked.deadline
        last_key: str | None = None
        loop_time = asyncio.get_running_loop().time
        while True:
            if robots:
                await self._obey_robots(target, asked)
            key = self._key(target, asked.owner)
            patience = await self._turns.begin(key, target.text, pause=key != last_key, meter=asked.meter)
            started, pause = loop_time(), _Pause()
            try:
                hop = await self._hop(target, asked, key, asked.meter.at_most(min(left, patience)), pause)
            finally:
                took = loop_time() - started - pause.seconds
                asked.meter.add(took)
                if key == target.host in self._guard.own_names and not options.polite_to_own:
                    self._turns.free(key)
                self._turns.end(key, took)
            left -= took
            last_key = key
            response = hop.response
            if response.status not in _REDIRECTS:
                moved_to = target.text if hops and permanent else None
                return self._answer(url, target, hop, asked, hops=tuple(hops), moved_to=moved_to, notes=tuple(notes))
            permanent = permanent and response.status in _PERMANENT
            hops.append(target.text)
            if len(hops) > options.max_redirects:
                raise FetchError(shown(url), f"The server redirects more than {options.max_redirects} times", kind="redirect")
            following = self._redirect(target, response.headers.get("Location"))
            if following.text in hops:
                raise FetchError(shown(url), "The server redirects in a circle (it may insist on cookies)", kind="redirect")
            if target.url.scheme == "https" and following.url.scheme == "http":
                notes.append(f"Redirected from https to plain http at {shown(following.text)}")
                permanent = False  # where anyone on the way can write the answer is no address to keep
            if left <= 0:
                late = f"No answer within {asked.deadline:g} seconds, redirects included"
                raise FetchError(shown(url), late, kind="timeout", retry=True)
            if not in_networks(response.peer.address, options.networks):
                led_from_outside.set(True)
            target = following

    def _redirect(self, target: Target, location: str | None) -> Target:
        if not location or not location.strip():
            raise FetchError(shown(target.text), "The server redirects to nowhere (no Location)", kind="redirect")
        # Bytes that are no UTF-8 come as lone surrogates from aiohttp; as part of a path they are bytes to be escaped.
        raw = location.strip(" \t").encode("utf-8", "surrogateescape")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = quote(raw, safe="%/:=&?~#+!$,;'@()*[]")
        nowhere = f"The server redirects to what is no address: {shown(text)}"
        try:
            location_url = URL(text)
            if location_url.scheme in ("http", "https") and not location_url.raw_host:
                # "http:///path" and "http:path": read as relative by some and as a host by others, so by us not at all.
                raise FetchError(shown(target.text), nowhere, kind="redirect")
            joined = str(target.url.join(location_url))
        except (ValueError, IndexError) as error:
            raise FetchError(shown(target.text), nowhere, kind="redirect") from error
        # The text as sent is looked at too: parsing drops what must be refused.
        if any(c < " " or c in "\x7f\\" for c in text):
            raise AddressRefused(
                shown(text), f"Redirected from {shown(target.text)} to an address with a backslash or a control character"
            )
        try:
            return vet_url(joined, ports=self.options.ports, networks=self.options.networks, credentials="drop")
        except AddressRefused as refused:
            raise AddressRefused(refused.url, f"Redirected from {shown(target.text)}: {refused.reason}") from refused

    def _key(self, target: Target, owner: str) -> str:
        """Whose turn a request needs: its host's; on one's own machines its source's at that host, or nobody's."""
        if (target.own or target.host in self._guard.own_names) and not self.options.polite_to_own:
            return f"{owner} {target.host}:{target.port}" if owner else ""
        return target.host

    async def _hop(self, target: Target, asked: _Asked, key: str, seconds: float, pause: _Pause) -> _Hop:
        """One request and its answer, within ``seconds``; keeps the host's record."""
        assert self._session is not None, "use the client as a context manager"
        try:
            async with asyncio.timeout(seconds) as limit:
                response = cast("Response", await self._session.get(target.url, headers=asked.headers, allow_redirects=False))
                try:
                    hop = await self._read(response, asked, partial(_wait, limit, pause))
                except BaseException:
                    response.close()
                    raise
                response.release()
        except TimeoutError as error:
            late = f"No complete answer within {seconds:.3g} seconds"
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                late = f"No connection within {self.options.connect_deadline:g} seconds"
            failure = FetchError(shown(target.text), late, kind="timeout", retry=True)
            self._turns.failed(key, failure.reason)
            raise failure from error
        except Exception as error:  # as in fetch; here so that the host's record is kept
            failure = explain(error, target.text)
            if failure.kind in ("unreachable", "timeout"):
                self._turns.failed(key, failure.reason)
            raise failure from error
        self._turns.answered(key)
        if response.status in (429, 503):
            wait = read_retry_after(response.headers.get("Retry-After"), self._clock(), response.headers.get("Date")) or 0.0
            self._turns.silence(key, wait, f"the host asked ({response.status}) to be left alone for {wait:.0f} seconds")
        return hop

    async def _read(self, response: Response, asked: _Asked, wait: Callable[[Place], Awaitable[None]]) -> _Hop:
        """An answer with its body, where it has one we want, decoded within bounds; ``wait`` is called where it needs more room."""
        if sum(len(name) + len(value) + 4 for name, value in response.raw_headers) > MAX_HEAD:
            raise MalformedError(f"The headers of the answer are larger than {MAX_HEAD:,} bytes")
        if response.status in asked.kept:
            return _Hop(response, await self._read_refusal(response, asked))
        if response.status not in _YIELDS:
            return _Hop(response, b"")
        names = encodings(", ".join(response.headers.getall("Content-Encoding", ())))
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and int(length[:20]) > asked.max_body and not asked.cut:
            reason = f"The body is {int(length[:20]):,} bytes long, more than the {asked.max_body:,} allowed"
            raise DecodingError("too-large", reason)
        decoder = Decoder(names, asked.max_body)
        content = response.content
        place = Place(self._in_hand, asked.max_body)
        try:
            while chunk := await content.readany():
                decoder.feed(chunk)
                while decoder.size > place.allowed:
                    await wait(place)
            return _Hop(response, decoder.finish(), decoder.gzipped())
        except DecodingError as error:
            if asked.cut and error.kind == "too-large":
                response.close()
                return _Hop(response, decoder.so_far())
            raise
        finally:
            place.leave()

    @staticmethod
    async def _read_refusal(response: Response, asked: _Asked) -> bytes:
        """What came with a status that says no, as far as it came: the status stands, whatever is wrong with its body."""
        try:
            decoder = Decoder(encodings(", ".join(response.headers.getall("Content-Encoding", ()))), _MOST_OF_REFUSAL)
        except DecodingError:
            return b""
        try:
            async with asyncio.timeout(min(_REFUSAL_SECONDS, asked.deadline / 2)):
                while chunk := await response.content.readany():
                    decoder.feed(chunk)
        except (DecodingError, TimeoutError, aiohttp.ClientError, OSError):
            response.close()
        return decoder.so_far()

    def _answer(
        self,
        url: str,
        target: Target,
        hop: _Hop,
        asked: _Asked,
        *,
        hops: tuple[str, ...],
        moved_to: str | None,
        notes: tuple[str, ...],
    ) -> Answer:
        response, now = hop.response, self._clock()
        headers = response.headers
        retry_after = read_retry_after(headers.get("Retry-After"), now, headers.get("Date"))
        if response.status == 304 and not asked.conditional:
            reason = "The server says that nothing changed (304) since nothing"
            raise FetchError(shown(target.text), reason, kind="protocol", status=304)
        if response.status not in _YIELDS and response.status != 304 and response.status not in asked.kept:
            raise status_error(target.text, response.status, retry_after)
        validators = read_validators(headers.get("ETag"), headers.get("Last-Modified"))
        if response.status == 304:
            validators = Validators(
                validators.etag or asked.validators.etag, validators.last_modified or asked.validators.last_modified
            )
        return Answer(
            capture=Capture(
                url_asked=url,
                url_answered=target.text,
                fetched_at=now,
                status=response.status,
                headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers),
                media_type=read_media_type(headers.get("Content-Type")),
                body=hop.body,
                gzipped=hop.gzipped,
                server_address=response.peer.address,
                certificate=response.peer.certificate,
                request_headers=response.sent,
                redirects=hops,
            ),
            moved_to=moved_to,
            validators=validators,
            fresh_until=read_fresh_until(headers, now),
            retry_after=retry_after,
            notes=notes,
        )

    async def _obey_robots(self, target: Target, asked: _Asked) -> None:
        """Raise FetchError(kind="robots") where the host's robots.txt forbids the address, or cannot be seen for now."""
        task = self._robots.get(target.origin)
        if task is None:
            task = self._robots[target.origin] = asyncio.create_task(self._load_robots(target, asked))
        found = await asyncio.shield(task)
        if isinstance(found, AddressRefused):
            self._robots.pop(target.origin, None)  # it may be refused to this request alone (led from outside)
            raise AddressRefused(shown(target.text), found.reason)
        if isinstance(found, FetchError):
            reason = f"Whether robots.txt allows it cannot be seen for now: {found.reason}"
            raise FetchError(shown(target.text), reason, kind="robots", retry=True, retry_after=found.retry_after)
        # Metered: 25,000 rules of wildcards cost a tenth of a second an address.
        began = asyncio.get_running_loop().time()
        allowed = found.allows(target.text)
        asked.meter.add(asyncio.get_running_loop().time() - began)
        if not allowed:
            raise FetchError(shown(target.text), "The site's robots.txt forbids it", kind="robots")

    async def _load_robots(self, target: Target, wanted: _Asked) -> Robots | FetchError:
        """RFC 9309, 2.3.1: 4xx allows all, 5xx and unreachable forbid all for now; too many redirects count as 4xx."""
        headers = {"User-Agent": self.options.user_agent, "Accept": "text/plain, */*;q=0.5", "Accept-Encoding": OFFERED}
        deadline = min(_ROBOTS_DEADLINE, self.options.deadline)
        asked = _Asked(headers, Validators(), MAX_ROBOTS, wanted.owner, deadline, wanted.meter, cut=True)
        try:
            answer = await self._travel(f"{target.origin}/robots.txt", asked, robots=False)
        except FetchError as error:
            let_go(error)  # kept for the whole run
            if error.kind == "redirect" or (error.kind == "status" and 400 <= error.status < 500 and error.status != 429):
                return ALLOW_ALL
            return error
        except Exception as error:  # noqa: BLE001  # as in fetch
            return explain(error, target.text)
        rules = read_robots(answer.capture.body)
        if rules.delay:
            self._turns.slow_down(self._key(target, wanted.owner), min(rules.delay, self.options.crawl_delay_max))
        return rules


async def _wait(limit: asyncio.Timeout, pause: _Pause, place: Place) -> None:
    """Wait for room for a body that proves large; the deadline moves on meanwhile."""
    began = asyncio.get_running_loop().time()
    left = (limit.when() or began) - began
    limit.reschedule(None)
    try:
        await place.wait()
    finally:
        ended = asyncio.get_running_loop().time()
        pause.seconds += ended - began
        limit.reschedule(ended + left)
