"""Undoing Content-Encoding within bounds: bytes in, bytes out, never more than was allowed; no network and no charsets.

Only encodings whose decoder can be stopped in time are offered: zlib-ng's ``decompressobj`` takes a limit with every call, so
a bomb costs one chunk. The usual bindings for br and zstd return whatever one input chunk expands to (a zstd frame of 64 kB
can hold gigabytes), so they are not offered, and refused when a server sends them unasked.
"""

from __future__ import annotations

from zlib_ng import zlib_ng

OFFERED = "gzip, deflate"
_NAMES = frozenset({"gzip", "x-gzip", "deflate"})

_GZIP = b"\x1f\x8b"
"""No text begins so: a gzip file under no label, under one less than it is wrapped in, or wrapped by a Transfer-Encoding."""
_STEP = 65_536
MAX_RATIO = 200
"""Decoded bytes per byte on the wire, looked at past ``RATIO_FROM``: real pages and feeds stay below 50, zlib reaches 1,032."""
RATIO_FROM = 1_000_000
_MAX_MEMBERS = 1_000
MOST_GZIPPED = 256_000
"""Bytes on the wire up to which they are held as they came, too: of 301 real pages none takes more."""


class DecodingError(Exception):
    """A body that cannot be decoded; ``kind`` is "too-large", "encoding" (not understood), "broken" or "truncated"."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


def encodings(value: str) -> tuple[str, ...]:
    """The encodings of a Content-Encoding header in the order they were applied, identity left out; raises DecodingError."""
    names = tuple(name for piece in value.lower().split(",") if (name := piece.strip()) and name != "identity")
    for name in names:
        if name not in _NAMES:
            raise DecodingError("encoding", f"The body is encoded as {name[:40]!r}, which was not asked for")
    if len(names) > 2:
        raise DecodingError("encoding", f"The body is encoded {len(names)} times over; two are the most that is undone")
    return names


class _Inflate:
    """One layer of gzip or deflate; ``feed`` yields at most ``room`` bytes more than it was told it may."""

    def __init__(self, name: str) -> None:
        self._gzip = name != "deflate"
        self._inflater = zlib_ng.decompressobj(31) if self._gzip else None
        self._members = 1
        self._garbage = False
        self.fed = False

    def feed(self, data: bytes, limit: int) -> bytes:
        """Decode ``data``; stops after ``limit`` + 1 bytes of output (the caller sees that it is too much)."""
        out: list[bytes] = []
        room = limit + 1
        while data and room > 0 and not self._garbage:
            self.fed = True
            if self._inflater is None:
                # "deflate" is zlib by RFC 9110, but some servers send it raw: the zlib header tells them apart.
                zlib_header = data[0] & 0x0F == 8 and data[0] >> 4 <= 7
                self._inflater = zlib_ng.decompressobj(15 if zlib_header else -15)
            try:
                piece = self._inflater.decompress(data, room)
            except zlib_ng.error as error:  # type: ignore[misc]  # its stub takes the class for an instance
                raise DecodingError("broken", f"The compressed body is damaged: {error}") from error
            out.append(piece)
            room -= len(piece)
            data = self._next_member(self._inflater.unused_data) if self._inflater.eof else self._inflater.unconsumed_tail
        return b"".join(out)

    def _next_member(self, rest: bytes) -> bytes:
        """A gzip body may be several members in a row (RFC 1952); anything else after the first is padding, as for browsers."""
        rest = rest.lstrip(b"\0")
        if not rest:
            return b""
        self._members += 1
        if not self._gzip or not rest.startswith(b"\x1f"[: len(rest)]) or self._members > _MAX_MEMBERS:
            self._garbage = True
            return b""
        self._inflater = zlib_ng.decompressobj(31)
        return rest

    @property
    def complete(self) -> bool:
        return self._garbage or not self.fed or (self._inflater is not None and self._inflater.eof)

    @property
    def is_one_gzip(self) -> bool:
        """Whether what came was one gzip member to its end and nothing after it, not even padding."""
        inflater = self._inflater
        return self._gzip and self._members == 1 and inflater is not None and inflater.eof and not inflater.unused_data


class Decoder:
    """Decodes a body as it comes, chunk by chunk, within ``limit`` decoded bytes; ``names`` as from ``encodings``."""

    def __init__(self, names: tuple[str, ...], limit: int) -> None:
        self._layers = [_Inflate(name) for name in reversed(names)]
        self._limit = limit
        self._wire = 0
        self._came: list[bytes] = []
        self._pieces: list[bytes] = []
        self._first: bytes | None = b""
        self.size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes from the wire; raises DecodingError where the body is too large or damaged."""
        for start in range(0, len(data), _STEP) if self._layers else (0,):
            piece = data[start : start + _STEP] if self._layers else data
            self._wire += len(piece)
            if self._wire <= MOST_GZIPPED:
                self._came.append(piece)
            for layer in self._layers:
                piece = self._through(layer, piece)
            if self._first is not None:
                piece = self._begun(piece)
            self.size += len(piece)
            if self.size > self._limit:
                raise DecodingError("too-large", f"The body is larger than {self._limit:,} bytes once decoded")
            if self.size > RATIO_FROM and self.size > MAX_RATIO * self._wire:
                raise DecodingError("too-large", f"The body grows more than {MAX_RATIO} times when decoded, as a bomb does")
            self._pieces.append(piece)

    def _through(self, layer: _Inflate, piece: bytes) -> bytes:
        """What a layer makes of it; one in the middle is held to the same bound: what it may put out at once is what we may keep at all."""
        piece = layer.feed(piece, self._limit - self.size)
        if len(piece) > self._limit - self.size:
            raise DecodingError("too-large", f"The body is larger than {self._limit:,} bytes once decoded")
        return piece

    def _begun(self, piece: bytes) -> bytes:
        """The beginning of what the layers leave, once it is seen whether it is compressed all the same."""
        first = (self._first or b"") + piece
        if len(first) < len(_GZIP):
            self._first = first
            return b""
        self._first = None
        if not first.startswith(_GZIP) or len(self._layers) > 1:
            return first
        self._layers.append(_Inflate("gzip"))
        return self._through(self._layers[-1], first)

    def gzipped(self) -> bytes:
        """A finished body in gzip as it came, where it came so and as nothing else; else ``b""``."""
        held = len(self._layers) == 1 and self._wire <= MOST_GZIPPED and self._layers[0].is_one_gzip
        return b"".join(self._came) if held else b""

    def so_far(self) -> bytes:
        """What was decoded until now, never more than the limit."""
        return b"".join(self._pieces)[: self._limit]

    def finish(self) -> bytes:
        """The decoded body; raises DecodingError where the compressed stream ends before its end mark."""
        if not all(layer.complete for layer in self._layers):
            raise DecodingError("truncated", "The compressed body ends before its end")
        if self._first:
            self.size += len(self._first)
            if self.size > self._limit:
                raise DecodingError("too-large", f"The body is larger than {self._limit:,} bytes once decoded")
            self._pieces.append(self._first)
        return b"".join(self._pieces)


def decode(body: bytes, names: tuple[str, ...], limit: int) -> bytes:
    """A whole body decoded within ``limit`` bytes; also for ``.gz`` files such as sitemaps (``names=("gzip",)``)."""
    decoder = Decoder(names, limit)
    decoder.feed(body)
    return decoder.finish()
