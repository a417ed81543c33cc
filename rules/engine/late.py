"""A rulebook that is unpacked, and its engine imported, on the first question put to it; until then it knows its version."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from domain.errors import ConfigError
from rules.engine.packed import folder_key, read_packed

if TYPE_CHECKING:
    from rules.engine.rulebook import Rulebook


def open_rulebook(folder: Path, cache: Path) -> Rulebook:
    """As ``load_rulebook``, but read only when first asked something: most polls bring no document, and the engine and its tables
    take a third of a second of CPU.

    A broken folder is refused here and now all the same: what stands in the cache under the hash of these very files was
    compiled from them without a fault; whatever is not there is compiled at once.
    """
    key = folder_key(folder)
    packed = read_packed(cache, key)
    if packed is not None:
        return cast("Rulebook", LateRulebook(packed, key))
    from rules.engine.rulebook import load_rulebook

    return load_rulebook(folder, cache)


class LateRulebook:
    """Stands for a Rulebook, and hands on whatever it is asked but its version.

    It holds its compiled form, so that files edited or swept away meanwhile change nothing.
    """

    def __init__(self, packed: bytes, key: str) -> None:
        self.version = key[:12]
        self._packed = packed
        self._turn = Lock()
        self._whole: Rulebook | None = None

    @property
    def is_read(self) -> bool:
        """Whether anything was asked yet."""
        return self._whole is not None

    def __getattr__(self, name: str) -> Any:
        # Called for what is not an attribute of ours: everything of the rulebook itself.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._read(), name)

    def _read(self) -> Rulebook:
        with self._turn:
            if self._whole is None:
                from rules.engine.cache import unpack
                from rules.engine.rulebook import Rulebook

                kept = unpack(self._packed)
                if kept is None:
                    # Its checksum was right: written by an engine that differs from this one in more than its number.
                    raise ConfigError(
                        "the compiled rules in the cache are not this program's; empty the folder `cache` and run again"
                    )
                self._whole, self._packed = Rulebook(*kept, version=self.version), b""
            return self._whole
