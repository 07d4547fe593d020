"""The file of an audit log: lines are only ever added, each whole and at once, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext, suppress
from io import FileIO
from pathlib import Path
from typing import Protocol

from genba.safety.audit import chain
from genba.safety.audit.chain import NOTHING, AuditError


class Signer(Protocol):
    """A private key at work."""

    @property
    def public(self) -> str: ...  # hexadecimal
    def sign(self, message: bytes) -> str: ...  # hexadecimal


class Sink(Protocol):
    """Where the bytes go: an unbuffered file, or what a test puts in its place."""

    def write(self, data: bytes, /) -> int | None: ...
    def truncate(self, size: int, /) -> int: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


class Book:
    """Appends lines to a new file, and seals it.

    Raises AuditError where the file holds something already, OSError where it cannot be written;
    what was written of a line that failed is taken back, so that another may follow.
    """

    def __init__(
        self,
        path: Path,
        signer: Signer | None = None,
        opened: Callable[[Path], Sink] = lambda path: FileIO(path, "ab"),
    ) -> None:
        if path.is_dir() or (path.is_file() and path.stat().st_size > 0):
            raise AuditError(f"{path}: exists already, and an audit log is never overwritten")
        self.path = path
        self._signer = signer
        self._file: Sink | None = opened(path)
        self._size = 0
        self._torn = False  # bytes of a line that failed may be at the end
        self.lines = 0
        self.head = NOTHING
        self.sealed = False

    @classmethod
    def after(cls, path: Path, signer: Signer | None, last: tuple[int, str, int]) -> Book:
        """Goes on in a file whose last good line is (number, hash, bytes up to its end).

        What comes after it, a line that was being written when the run ended, is cut off.
        """
        book = cls.__new__(cls)
        book.path, book._signer, book._file = path, signer, FileIO(path, "ab")
        book._size, book._torn, book.sealed = last[2], True, False
        book.lines, book.head = last[0] + 1, last[1]
        return book

    def append(self, rest: bytes) -> None:
        """One line, whose members beside number and hashes are `rest`."""
        if self._file is None:
            raise OSError("the log is closed")
        line, digest = chain.write(self.lines, self.head, rest)
        if self._torn:
            with suppress(OSError) if not self.path.is_file() else nullcontext():  # a device
                self._file.truncate(self._size)
        self._torn, left = True, line
        while left:  # nearly always all at once
            written = self._file.write(left) or 0
            left = left[written:] if written < len(left) else b""
        self._torn = False
        self._size += len(line)
        self.lines, self.head = self.lines + 1, digest

    def seal(self) -> None:
        """The last line: how many there were, and the signature. Waits until it is on the disk."""
        rest = b'"kind":"seal","lines":%d' % self.lines
        if self._signer is not None:
            signature = self._signer.sign(chain.signed(self.lines, self.head))
            both = self._signer.public.encode(), signature.encode()
            rest += b',"key":"%s","signature":"%s"' % both
        self.append(rest)
        self.sealed = True
        if self._file is not None and self.path.is_file():
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Gives the file back, sealed or not."""
        if self._file is not None:
            self._file.close()
            self._file = None
