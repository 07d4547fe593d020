"""Ed25519 keys for the seal of an audit log. Needs the package `cryptography`, extra `audit`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from genba.safety.audit.chain import AuditError, signed

MAX_KEY = 16 * 1024  # bytes; a key's file is short


class Key:
    """A private key at work."""

    __slots__ = ("_key", "public")

    def __init__(self, key: Any) -> None:
        self._key = key
        self.public: str = key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """Signature of 64 bytes, hexadecimal. Source: RFC 8032."""
        out: str = self._key.sign(message).hex()
        return out


def keygen(path: Path) -> Path:
    """Writes a new private key to `path`, for its owner alone, and the public one beside it.

    Returns the path of the public key. Raises AuditError rather than overwrite either.
    """
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = path.with_name(path.name + ".pub")
    for one in (path, public):
        if one.exists():
            raise AuditError(f"{one}: exists already, and a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    shown = key.public_key()
    public.write_bytes(shown.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
    return public


def private_key(path: Path) -> Key:
    """A private key from PEM, or from its 32 bytes. Raises AuditError, one line."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read(path)
    try:
        key = (
            Ed25519PrivateKey.from_private_bytes(data)
            if len(data) == 32
            else load_pem_private_key(data, None)
        )
    except TypeError:
        raise AuditError(f"{path}: the key is encrypted, which is not supported") from None
    except (ValueError, UnsupportedAlgorithm):
        raise AuditError(f"{path}: no private key (PEM, or 32 bytes)") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise AuditError(f"{path}: no Ed25519 key")
    return Key(key)


def public_key(path: Path) -> str:
    """A public key from PEM, or from its 32 bytes, as hexadecimal. Raises AuditError, one line."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = _read(path)
    if len(data) == 32:
        return data.hex()
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise AuditError(f"{path}: no public key (PEM, or 32 bytes)") from None
    if not isinstance(key, Ed25519PublicKey):
        raise AuditError(f"{path}: no Ed25519 key")
    return key.public_bytes_raw().hex()


def fits(public: str, signature: str, n: int, previous: str) -> bool:
    """Whether a seal's signature was made with the private half of a public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), signed(n, previous))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_KEY)
