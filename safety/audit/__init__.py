"""The audit log: what the safety layer did and why, so that nobody can alter it unseen.

`AuditLog` writes, `verify` finds what was changed, `replay` asks the rules again.
"""

from genba.safety.audit.book import Book
from genba.safety.audit.chain import AuditError
from genba.safety.audit.finding import Finding
from genba.safety.audit.log import AuditLog
from genba.safety.audit.replay import Replay, replay
from genba.safety.audit.verify import Report, verify

__all__ = ["AuditError", "AuditLog", "Book", "Finding", "Replay", "Report", "replay", "verify"]
