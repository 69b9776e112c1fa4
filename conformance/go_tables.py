"""Reads tables of tests out of Go sources, as far as they are literals: what a suite expects stands in its tests alone."""

import json
import re

_TOKEN = re.compile(r'//[^\n]*|"(?:\\.|[^"\\])*"|`[^`]*`|[A-Za-z_][\w.]*|[0-9]+|:=|\S')
_POINTERS = ("pString", "pointerTo")


class Name(str):
    """Something that is no literal, by its name."""


def tokens(source):
    return [token for token in _TOKEN.findall(source) if not token.startswith("//")]


class Reader:
    def __init__(self, tokens, known):
        self.tokens, self.at, self.known = tokens, 0, known

    def next(self, expected=None):
        token = self.tokens[self.at]
        if expected not in (None, token):
            raise ValueError(f"{expected!r} expected, not {token!r}")
        self.at += 1
        return token

    def sees(self, token):
        return self.tokens[self.at] == token

    def value(self):
        value = self.term()
        while self.sees("+"):
            self.next()
            value = value + self.term()
        return value

    def term(self):
        token = self.next()
        if token[0] == '"':
            return json.loads(token)
        if token[0] == "`":
            return token[1:-1]
        if token == "{":
            self.at -= 1
            return self.braces()
        if token == "[" or token == "map":
            while not self.sees("{"):
                self.next()
            return self.braces()
        if token in ("true", "false", "nil"):
            return {"true": True, "false": False, "nil": None}[token]
        if self.sees("(") and token in _POINTERS:
            self.next("(")
            value = self.value()
            self.next(")")
            return value
        return self.known.get(token, Name(token))

    def braces(self):
        """A list, or fields, or a map."""
        items, fields = [], {}
        self.next("{")
        while not self.sees("}"):
            value = self.value()
            if self.sees(":"):
                self.next()
                fields[value] = self.value()
            else:
                items.append(value)
            if self.sees(","):
                self.next()
        self.next("}")
        return fields or items


def table(path, function):
    """The entries of `tests` in this function; of a map the values."""
    source = path.read_text()
    body = source[source.index(f"func {function}("):].split("\nfunc ", 2)[0] if function else source
    known = {name: json.loads(text) for name, text in re.findall(r'(\w+) := ("(?:\\.|[^"\\])*")\n', body)}
    found = tokens(body)
    at = next(i for i in range(len(found)) if found[i : i + 2] in (["tests", ":="], ["tests", "="]))
    # Past the type, whose own braces come first.
    while found[at] != "{":
        at += 1
    depth = 0
    while True:
        depth += {"{": 1, "}": -1}.get(found[at], 0)
        at += 1
        if depth == 0:
            break
    entries = Reader(found[at:], known).braces()
    return list(entries.values()) if isinstance(entries, dict) else entries
