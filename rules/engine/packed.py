"""The files of a rules folder, their hash, and the compiled form kept under it, as bytes: needs nothing of the engine that reads them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from domain.errors import ConfigError

# Part of the cache's key: raise it whenever compiling would give other tables from the same files.
ENGINE_VERSION: Final = "8"
PARTS: Final = ("entities", "lexicon", "rules")
MOST_BYTES: Final = 4_000_000  # of a whole folder: five times ours; refusing a hostile one of that size takes 5 s and 240 MB

_MAGIC: Final = b"SHOLURULES\n"


def folder_files(folder: Path) -> list[Path]:
    """The YAML files of a rules folder in a fixed order; raises ConfigError where it is no such folder or far too large."""
    if not folder.is_dir():
        raise ConfigError("there is no such rules folder", file=folder)
    top = folder / "rulebook.yaml"
    if not top.is_file():
        raise ConfigError("the rules folder has no rulebook.yaml", file=folder)
    files = [top]
    for part in PARTS:
        files.extend(
            sorted(path for path in (folder / part).rglob("*.y*ml") if path.suffix in {".yaml", ".yml"} and path.is_file())
        )
    if sum(path.stat().st_size for path in files) > MOST_BYTES:
        raise ConfigError(f"the files of the rules folder are larger than {MOST_BYTES:,} bytes together", file=folder)
    return files


def folder_key(folder: Path) -> str:
    """A hash of every file of the folder, their names, and the engine's version."""
    digest = hashlib.sha256(ENGINE_VERSION.encode())
    for path in folder_files(folder):
        body = path.read_bytes()
        digest.update(f"\0{path.relative_to(folder).as_posix()}\0{len(body)}\0".encode())
        digest.update(body)
    return digest.hexdigest()


def packed_file(cache: Path, key: str) -> Path:
    """Where the compiled form of a key is kept."""
    return cache / f"rules-{key[:16]}.zst"


def wrapped(key: str, packed: bytes) -> bytes:
    """The compiled form as it stands in its file: with its key and its hash."""
    return _head(key) + hashlib.sha256(packed).digest() + packed


def read_packed(cache: Path, key: str) -> bytes | None:
    """The compiled form kept under the key (a megabyte or two); None where there is no undamaged one."""
    try:
        body = packed_file(cache, key).read_bytes()
    except OSError:
        return None
    head = _head(key)
    if not body.startswith(head):
        return None
    checksum, packed = body[len(head) : len(head) + 32], body[len(head) + 32 :]
    return packed if hashlib.sha256(packed).digest() == checksum else None


def _head(key: str) -> bytes:
    return _MAGIC + key.encode() + b"\n"
