"""How long a key may be wherever it is kept: a hostile address has more than an index takes."""

from __future__ import annotations

import hashlib

LONGEST = 200  # characters; PostgreSQL's B-tree takes 2,700 bytes a row at most


def shortened(key: str, limit: int = LONGEST) -> str:
    """``key``, or its beginning with a hash of all of it; shortened twice is as shortened once."""
    if len(key) <= limit:
        return key
    return f"{key[: limit - 33]}#{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
