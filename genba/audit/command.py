"""The command `genba audit`, and the audit logs that `genba run` and `bench` write into."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from genba.audit.texts import clean
from genba.console import check_file, check_files, import_physics, json_last, need

if TYPE_CHECKING:
    from genba.bench.audit import Ledger
    from genba.safety.audit import Book, Finding, Report
    from genba.safety.audit.signing import Key

SHOWN = 20  # findings; the rest is in the JSON
WHOLE = {  # by what vouches for a log in which nothing was found
    "good": "nothing was changed, dropped or moved",
    "none": "the chain is whole; unsigned, so it does not prove that nobody rewrote all of it",
    "its own key": "the chain is whole and signed; only --key FILE shows that the key is not a "
    "forger's own",
    "not checked": "the chain is whole; its signature, which would show that nobody rewrote all of "
    "it, was not checked",
}


def audit(options: argparse.Namespace, out: TextIO) -> int:
    """genba audit"""
    import_physics()
    actions = {"verify": _verify, "explain": _explain, "keygen": _keygen}
    return actions[options.action](options, out)


def opened(options: argparse.Namespace) -> Book | None:
    """The book of `genba run --audit`. Raises AuditError, Refused."""
    from genba.safety.audit import Book

    signer = _signer(options)
    check_file(options.audit)
    return None if options.audit is None else Book(options.audit, signer)


def opened_ledger(options: argparse.Namespace) -> Ledger | None:
    """The ledger of `genba bench --audit`. Raises AuditError, Refused."""
    from genba.bench.audit import Ledger

    signer = _signer(options)
    check_file(options.audit)
    return None if options.audit is None else Ledger(options.audit, signer, options.resume)


def _signer(options: argparse.Namespace) -> Key | None:
    from genba.safety.audit import AuditError

    if options.audit_key is None:
        return None
    if options.audit is None:
        raise AuditError("--audit-key signs what --audit FILE writes: give that too")
    need("cryptography", "audit")
    from genba.safety.audit.signing import private_key

    return private_key(options.audit_key)


def _verify(options: argparse.Namespace, out: TextIO) -> int:
    from genba.safety.audit import verify

    check_files(options.json, beside=(options.file, options.key))
    report = verify(options.file)
    seal, findings = _seal(options.key, report)
    findings = [*report.findings, *findings]
    again: dict[str, Any] | None = None
    if options.replay:
        again, different = _replay(options.file)
        findings += different
    rows = [{"line": f.line, "what": f.what, "text": f.text} for f in findings]
    row = {
        "file": str(options.file), "lines": report.lines, "entries": report.entries,
        "episodes": report.episodes, "gaps": report.gaps, "sealed": report.sealed,
        "signature": seal, "head": report.head, "findings": rows, "replay": again,
    }  # fmt: skip
    with json_last(row, options.json, out) as told:
        if told:
            _show(out, options.file, report, seal, again, findings)
    return 1 if findings else 0


def _seal(key: Path | None, report: Report) -> tuple[str, list[Finding]]:
    """What is to be said of the signature, and what is wrong with it."""
    from importlib.util import find_spec

    from genba.safety.audit import Finding

    public, signature = report.key, report.signature
    if key is not None:
        need("cryptography", "audit")
    if not report.sealed or not isinstance(public, str) or not isinstance(signature, str):
        wrong = Finding(report.lines, "signature", "the log is not signed")
        return "none", [] if key is None else [wrong]
    if find_spec("cryptography") is None:
        return "not checked", []
    from genba.safety.audit.signing import fits, public_key

    trusted = None if key is None else public_key(key)
    if not fits(public, signature, report.last[0], report.head):
        return "wrong", [Finding(report.lines, "signature", "the signature does not fit the log")]
    if trusted is not None and trusted != public:
        return "wrong", [Finding(report.lines, "signature", f"signed by another key than {key}")]
    return ("its own key" if trusted is None else "good"), []


def _replay(path: Path) -> tuple[dict[str, Any], list[Finding]]:
    """In a process of its own: whatever a stranger's log holds, it cannot take this one along."""
    from genba.bench.workers import spread
    from genba.safety.audit import AuditError, Replay, replay

    (done,) = spread(replay, [path], 1)
    if done.error is not None:
        raise AuditError(f"{path}: cannot be replayed: {done.error}")
    found: Replay = done.value
    row = {"entries": found.entries, "same": found.same, "largest_difference": found.largest}
    return row, found.findings


def _show(
    out: TextIO, path: Path, report: Report, seal: str, again: dict[str, Any] | None,
    findings: Sequence[Finding],
) -> None:  # fmt: skip
    signed = {
        "none": "not signed", "good": "signed, and the signature is good",
        "its own key": f"signed by key {str(report.key)[:16]}..., which --key FILE would check",
        "not checked": 'signed, not checked: pip install "genba[audit]"', "wrong": "wrongly signed",
    }[seal]  # fmt: skip
    sealed = f"sealed, {signed}" if report.sealed else "not sealed"
    out.write(
        f"{path}: lines {report.lines}, episodes {report.episodes}, activations and resets "
        f"{report.entries}; {sealed}\n"
    )
    if report.gaps:
        out.write(f"entries that the recorder says it could not write: {report.gaps}\n")
    if again is not None:
        exact = "to the bit" if again["largest_difference"] == 0.0 else "within 1e-9"
        out.write(f"asked again: {again['same']} of {again['entries']} answers same {exact}\n")
    for found in findings[:SHOWN]:
        out.write(f"{clean(found.text)}\n")
    if len(findings) > SHOWN:
        out.write(f"and {len(findings) - SHOWN} more, see --json\n")
    if not findings:
        out.write(f"{WHOLE[seal]}\n")


def _explain(options: argparse.Namespace, out: TextIO) -> int:
    from genba.audit import explain

    check_files(options.svg, beside=(options.file,))
    code = _warn(options.file, out)
    if options.event is None:
        explain.overview(options.file, options.lang, out)
        return code
    explain.explain(options.file, options.event, options.lang, out)
    if options.svg is not None:
        explain.draw(options.file, options.event, options.lang, options.svg)
    return code


def _warn(path: Path, out: TextIO) -> int:
    """Says first what makes a log less than a proof; returns the exit code."""
    from genba.safety.audit import verify

    report = verify(path)
    findings = [*report.findings, *_seal(None, report)[1]]
    if not findings:
        return 0
    killed = all(found.what in ("unsealed", "cut") for found in findings)
    what = "is not whole" if killed else "was changed"
    more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
    see = f"see genba audit verify {clean(str(path))}"
    out.write(f"this log {what}: {clean(findings[0].text)}{more}; {see}\n\n")
    return 1


def _keygen(options: argparse.Namespace, out: TextIO) -> int:
    need("cryptography", "audit")
    from genba.safety.audit.signing import keygen

    public = keygen(options.file)
    out.write(f"private key  {options.file}\npublic key   {public}\n")
    return 0
