"""The audit log: nothing can be changed, dropped or moved unseen, and the rules answer alike."""

# pytest and hypothesis fill in the arguments
# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import hashlib
import json
import tracemalloc
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genba.safety.audit import AuditError, Book, chain, verify
from genba.safety.audit.entry import config_hash
from genba.safety.audit.signing import fits, keygen, private_key, public_key

CONFIG = {"speed_separation": {"z_d": 0.05}}


def sound_line(raw):
    """A line whose hash fits."""
    line = chain.read(raw)
    assert line is not None
    return line


def write(path, signer=None):
    """A sealed log of a dozen entries, made by hand; returns its bytes."""
    book, config = Book(path, signer), config_hash(CONFIG)
    first = {"kind": "start", "config": CONFIG, "config_hash": config}
    entries = [{"kind": "tick", "time": k / 8, "x": [k] * k, "config": config} for k in range(12)]
    entries[7]["kind"] = "reset"
    for said in [first, *entries, {"kind": "end", "entries": 12}]:
        book.append(json.dumps(said, separators=(",", ":")).encode()[1:-1])
    book.seal()
    book.close()
    return path.read_bytes()


@cache
def sound():
    """The bytes of a log that nobody touched."""
    with TemporaryDirectory() as folder:
        return write(Path(folder) / "log")


def anew(rests):
    """A whole log from the members of its lines, with hashes that fit."""
    out, previous = [], chain.NOTHING
    for n, rest in enumerate(rests):
        line, previous = chain.write(n, previous, rest)
        out.append(line)
    return b"".join(out)


def rests(data):
    """The members of the lines of a log, beside numbers and hashes."""
    return [sound_line(line).rest for line in data.splitlines()]


def report(data):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(data)
        return verify(path)


def lines():
    return sound().splitlines(keepends=True)


COUNT = st.integers(0, 10**6)


def test_a_log_that_nobody_touched_is_whole():
    found = report(sound())
    assert found.findings == [] and found.sealed and found.gaps == 0
    assert found.episodes == 1 and found.entries == 12 and found.lines == 15


def test_anybody_can_check_the_chain_by_own_means():
    previous = "0" * 64
    for line in sound().splitlines():
        body, _, digest = line.rpartition(b',"hash":"')
        assert hashlib.sha256(body + b"}").hexdigest().encode() == digest[:-2]
        assert json.loads(line)["previous"] == previous
        previous = json.loads(line)["hash"]


@given(COUNT, st.integers(1, 255))
def test_a_changed_byte_is_found_and_its_line_named(place, change):
    data = bytearray(sound())
    place %= len(data)
    data[place] ^= change
    line = sound()[:place].count(b"\n") + 1
    assert min(found.line for found in report(bytes(data)).findings) == line


@given(COUNT)
def test_a_dropped_line_is_found_and_named(place):
    rows = lines()
    place %= len(rows)
    del rows[place]
    findings = report(b"".join(rows)).findings
    if place == len(rows):
        assert [f.what for f in findings] == ["unsealed"]
    else:
        assert f"line {place + 1} is missing" in findings[0].text, findings


def numbered(*numbers):
    """A log of lines of these numbers whose hashes fit, each after the one that it follows."""
    previous, out = chain.NOTHING, []
    for n in numbers:
        line, previous = chain.write(n, previous, b'"kind":"gap","lost":1')
        out.append(line)
    return b"".join(out)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0, 2), "line 2 is missing: entry 1, between lines 1 and 2"),
        ((0, 5), "line 2 is missing: entries 1 to 4, between lines 1 and 2"),
        ((0, 9, 3, 6, 7), "line 2 is missing: entries 1 to 2, 4 to 5, 8, between lines 1 and 2"),
        (
            (0, 101, *range(2, 100, 2)),
            f"entries {', '.join(map(str, range(1, 40, 2)))}, 31 more up to 100, "
            "between lines 1 and 2",
        ),
    ],
)
def test_missing_lines_are_named_in_runs(numbers, said):
    found = next(f for f in report(numbered(*numbers)).findings if f.what == "missing")
    assert found.text.endswith(said)


def test_a_number_far_away_does_not_fill_the_memory():
    """The form of a line allows 10**12 - 1; already with a million a list of them is 40 MB."""
    data = numbered(0, 10**6)
    tracemalloc.start()
    try:
        found = report(data).findings[0]
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()
    assert found.text == "line 2 is missing: entries 1 to 999999, between lines 1 and 2"


@given(COUNT, COUNT)
def test_two_lines_that_changed_places_are_found_and_named(a, b):
    rows = lines()
    a, b = a % len(rows), b % len(rows)
    rows[a], rows[b] = rows[b], rows[a]
    moved = {found.line for found in report(b"".join(rows)).findings if found.what == "moved"}
    assert moved == (set() if a == b else {a + 1, b + 1})


@given(COUNT, COUNT)
def test_a_repeated_line_is_found_and_named(which, where):
    rows = lines()
    which, where = which % len(rows), where % (len(rows) + 1)
    rows.insert(where, rows[which])
    second = where if where > which else which + 1
    named = {f.line for f in report(b"".join(rows)).findings if f.what in ("repeated", "moved")}
    assert named & {second + 1, where + 1}


@given(st.integers(15, 10**7))
def test_a_log_that_was_cut_off_anywhere_is_found(length):
    findings = report(sound()[: max(15, length % len(sound()))]).findings
    assert findings and findings[-1].what in ("unsealed", "cut")


def test_without_the_last_entry_and_the_seal_it_is_said_where_it_ends():
    (found,) = report(b"".join(lines()[:-2])).findings
    last = len(lines()) - 2
    assert found.text.startswith(f"ends without a seal after entry {last - 1} (line {last})")


@pytest.mark.parametrize("line", [2, 5, 9])
def test_a_line_with_a_hash_of_its_own_is_told_by_the_next(line):
    rows = sound().splitlines()
    was = sound_line(rows[line - 1])
    forged = was.rest.replace(b'"time":', b'"time":9', 1)
    rows[line - 1] = chain.write(was.n, was.previous, forged)[0][:-1]
    (found,) = report(b"\n".join(rows) + b"\n").findings
    assert found.what == "rewritten" and found.line == line + 1


def test_what_is_written_behind_the_seal_is_found():
    rows = [*rests(sound()), rests(sound())[1]]
    assert "added" in {found.what for found in report(anew(rows)).findings}


def test_a_configuration_that_does_not_fit_its_hash_is_found():
    first = rests(sound())[0].replace(b'"z_d":0.05', b'"z_d":0.01')
    assert first != rests(sound())[0]
    (found,) = report(anew([first, *rests(sound())[1:]])).findings
    assert found.line == 1 and "configuration" in found.text


@pytest.mark.parametrize(
    "dropped, line, said",
    [
        ((4, 5), 12, "has 10 entries, and ended with 12"),
        ((13,), 14, "the episode of line 1 has no end"),
        ((12, 13), 13, "the episode of line 1 has no end"),
    ],
)
def test_what_a_log_counts_tells_of_lines_that_were_dropped_before_it_was_written_anew(
    dropped, line, said
):
    members = [rest for n, rest in enumerate(rests(sound())) if n not in dropped]
    members[-1] = b'"kind":"seal","lines":%d' % (len(members) - 1)
    (found,) = report(anew(members)).findings
    assert found.line == line and said in found.text


@pytest.mark.parametrize("told", [0, 11, 13])
def test_an_end_that_counts_fewer_or_more_entries_than_there_are_is_found(told):
    members = rests(sound())
    members[-2] = b'"kind":"end","entries":%d' % told
    (found,) = report(anew(members)).findings
    assert found.line == 14 and f"has 12 entries, and ended with {told}" in found.text


@pytest.mark.parametrize("told", [0, 13, 15])
def test_a_seal_that_counts_other_lines_is_none(told):
    members = rests(sound())
    members[-1] = b'"kind":"seal","lines":%d' % told
    found = report(anew(members))
    assert not found.sealed
    assert [(f.line, f.text) for f in found.findings] == [
        (15, "line 15: the seal counts other lines")
    ]


def test_an_episode_without_end_is_no_forgery_where_the_log_says_why():
    start, tick, *_ = rests(sound())
    end, gap = b'"kind":"end","entries":1', b'"kind":"gap","lost":1'
    resumed = b'"kind":"resumed","cut":0'
    for members, what in [
        ([start, tick, resumed, start, tick, end], []),  # killed, and gone on with
        ([start, tick, gap], []),  # the disk was full
        ([start, tick, start, gap, tick, end], []),  # and had room again in the next episode
        ([start, tick, start, tick, end], ["missing"]),
        ([start, tick, gap, tick], ["missing"]),
        ([tick, end, start, tick, end], []),  # whose first line could not be written
        ([start, tick, b'"kind":"end"'], ["changed", "missing"]),
    ]:
        seal = b'"kind":"seal","lines":%d' % len(members)
        assert [f.what for f in report(anew([*members, seal])).findings] == what, members
    assert [f.what for f in report(anew([start, tick])).findings] == ["unsealed"]
    junk = b'"kind":"gap","lost":1e999'
    assert "changed" in [f.what for f in report(anew([start, junk, tick])).findings]


def test_only_a_signature_tells_a_log_that_was_written_anew(tmp_path):
    keygen(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    key, public = private_key(tmp_path / "key"), public_key(tmp_path / "key.pub")
    data = write(tmp_path / "log", signer=key)
    found = report(data)
    assert found.key == public and fits(public, found.signature, found.last[0], found.head)
    members = rests(data)
    members[4] = members[4].replace(b'"time":', b'"time":9', 1)
    forged = report(anew(members))
    assert forged.findings == []  # the chain alone is blind to this
    assert not fits(public, forged.signature, forged.last[0], forged.head)


def test_a_key_is_never_overwritten(tmp_path):
    keygen(tmp_path / "key")
    with pytest.raises(AuditError, match="never overwritten"):
        keygen(tmp_path / "key")


@pytest.mark.parametrize("data", [b"", b"hello\n", b"{}\n" * 9, b"\0" * 9999, b"\n\n\n"])
def test_what_is_no_audit_log_is_said_to_be_none(data):
    with pytest.raises(AuditError, match="not an audit log"):
        report(data)


def test_a_line_without_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(chain, "MAX_LINE", 4096)
    data = b"".join([lines()[0], b"x" * 10**6, b"\n", *lines()[1:]])
    found = report(data)
    assert found.lines == len(lines()) + 1 and found.findings[0].line == 2


@given(st.binary(max_size=200), COUNT)
def test_junk_with_hashes_that_fit_is_no_reason_to_fall_over(junk, place):
    members = rests(sound())
    members.insert(place % len(members), b'"kind":"tick","x":' + junk.replace(b"\n", b" "))
    assert report(anew(members)).findings


def test_deep_nesting_is_no_reason_to_fall_over():
    members = [rests(sound())[0], b'"kind":"tick","x":' + b"[" * 10**5 + b"]" * 10**5]
    assert report(anew(members)).findings[0].line == 2
