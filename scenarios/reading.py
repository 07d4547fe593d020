"""YAML files of strangers: plain values alone, no key twice, no nesting without end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MAX_FILE = 256 * 1024  # bytes; a scenario is a page, not a book
MAX_DEPTH = 20  # of values in values
MAX_BITS = 1024  # of a whole number: no float is greater, and Python writes out no 5,000 digits
_OPENING = (
    yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken,
)  # fmt: skip
_CLOSING = yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken


class ScenarioError(ValueError):
    """A scenario or suite that cannot be played; the message is one line with file and key."""


class _Loader(yaml.SafeLoader):
    """The safe loader, but of a key that is there twice the last does not win in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"{key.value}: the key is there twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


# Numbers as YAML 1.2 and JSON write them (1e3; of no hash such as 1234e56789). The parser knows
# YAML 1.1, in which 010 is 8 and 1:30 is 90.
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_NUMBERS = {
    _INT: r"[-+]?\d+$|0o[0-7]+$|0x[0-9a-fA-F]+$",
    _FLOAT: r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$",
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in _NUMBERS]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in _NUMBERS.items():
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern, re.ASCII), list("-+.0123456789"))


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(node.value)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


_Loader.add_constructor(_INT, _whole)


def read_yaml(path: Path) -> dict[str, Any]:
    """A mapping from a YAML file, plain values only. Raises ScenarioError."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise ScenarioError(f"{path}: larger than {MAX_FILE} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: not a UTF-8 text file") from None
    data = parse(text, str(path))
    if not isinstance(data, dict):
        raise ScenarioError(f"{path}: expected keys and values, found {type(data).__name__}")
    return data


def parse(text: str, where: str) -> Any:
    """What YAML text says, plain values only. Raises ScenarioError, which begins with `where`."""
    try:
        for problem in _problems(text):
            raise ScenarioError(f"{where}: {problem}")
        data = yaml.load(text, _Loader)
        for problem in _strange(data):
            raise ScenarioError(f"{where}: {problem}")
        return data
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, ScenarioError):
            raise
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be parsed"
        raise ScenarioError(f"{where}:{line} not YAML ({problem})") from None


def _strange(value: Any, key: str = "") -> Iterator[str]:
    """Dates, sets, bytes, numbers without end and characters that are none, with their keys."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _strange(name, f"a key of {key}" if key else "a key")
            yield from _strange(one, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _strange(one, f"{key}[{index}]")
    elif isinstance(value, str):
        if any("\ud800" <= c <= "\udfff" for c in value):
            yield f"{key}: holds a character that is none".removeprefix(": ")
    elif isinstance(value, int) and value.bit_length() > MAX_BITS:
        yield f"{key}: a whole number of too many digits".removeprefix(": ")
    elif value is not None and not isinstance(value, bool | int | float):
        what = f"neither text nor number but a {type(value).__name__}; put it in quotes"
        yield f"{key}: {what}".removeprefix(": ")


def _problems(text: str) -> Iterator[str]:
    """What YAML allows and no scenario needs, found before anything grows."""
    depth, before = 0, None
    for token in yaml.scan(text):
        if isinstance(before, yaml.KeyToken) and isinstance(token, yaml.ScalarToken):
            if wide := [c for c in token.value if c.isspace() and c not in " \t\n"]:
                kind = "full-width space" if wide[0] == "\u3000" else "space of another kind"
                where = f"line {token.start_mark.line + 1}: the key {token.value.strip()} holds a"
                yield f"{where} {kind} (U+{ord(wide[0]):04X}); write an ordinary one"
        before = token
        if isinstance(token, yaml.AliasToken):  # a page of them can grow to gigabytes
            yield "YAML aliases (*name) are not accepted"
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > MAX_DEPTH:
            yield f"nested deeper than {MAX_DEPTH} levels"
