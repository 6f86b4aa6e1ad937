"""Requests of the query protocols (EC2's and STS's), checked against the shapes of their operations.

Stricter than AWS in one way: where AWS lets a hole in a list's numbers, a parameter that is given twice, or an empty
value pass, or answers something vague, this refuses, since a client that sends it is wrong.
"""

import base64
import binascii
import datetime
import re
from urllib.parse import unquote_to_bytes

from .errors import Refused, invalid, missing
from .models import is_closed_enum

ABSENT = object()
# Where an empty value means something.
MAY_BE_EMPTY = re.compile(r"(^|\.)(Tag\.\d+\.Value|Filter\.\d+\.Value\.\d+|Description|NextToken)$")


def decoded(text, what):
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise Refused("MalformedQueryString", f"The {what} is not UTF-8") from None


def pairs(body):
    """The parameters of a form: name to value."""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise Refused("MalformedQueryString", "The request body is not percent-encoded") from None
    found = {}
    for part in text.split("&") if text else []:
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise Refused("MalformedQueryString", f"The query string part {part!r} has no name or no value")
        if re.search("%(?![0-9A-Fa-f]{2})", part):
            raise Refused("MalformedQueryString", f"The query string part {part!r} is not percent-encoded")
        name = decoded(name, "parameter's name")
        if name in found:
            raise Refused("MalformedQueryString", f"The parameter {name} is given twice")
        found[name] = decoded(value, f"value of {name}")
    return found


class Form:
    """Reads a form's parameters by an operation's shape; protocol: `ec2` or `query`."""

    def __init__(self, parameters, protocol):
        self.parameters, self.protocol = parameters, protocol
        self.unread = set(parameters)
        self.prefixes = set()
        for name in parameters:
            parts = name.split(".")
            self.prefixes.update(".".join(parts[:i]) for i in range(1, len(parts) + 1))

    def read(self, shape):
        """The parameters by the names of the shape's members; refuses what is unknown, missing or ill-formed."""
        value = self.structure(shape, "") if shape else {}
        for name in sorted(self.unread):
            raise Refused("UnknownParameter", f"The parameter {name} is not recognized")
        return value

    def value(self, shape, name):
        if name not in self.prefixes:
            return ABSENT
        if shape.type_name == "structure":
            return self.structure(shape, name)
        if shape.type_name == "list":
            return self.list(shape, name)
        return self.scalar(shape, name)

    def member_name(self, member, shape):
        if self.protocol == "query":
            return shape.serialization.get("name", member)
        if "queryName" in shape.serialization:
            return shape.serialization["queryName"]
        name = shape.serialization.get("name", member)
        return name[0].upper() + name[1:]

    def structure(self, shape, name):
        found = {}
        for member, its in shape.members.items():
            path = (name + "." if name else "") + self.member_name(member, its)
            value = self.value(its, path)
            if value is not ABSENT:
                found[member] = value
            elif member in shape.required_members:
                raise missing(path)
        return found

    def list(self, shape, name):
        if self.protocol == "query" and not shape.serialization.get("flattened"):
            name += "." + shape.member.serialization.get("name", "member")
        start = name + "."
        numbers = {prefix[len(start) :].split(".")[0] for prefix in self.prefixes if prefix.startswith(start)}
        if not numbers or numbers != {str(i) for i in range(1, len(numbers) + 1)}:
            raise Refused("InvalidParameter", f"The list {name} is not numbered from 1 without holes")
        found = [self.value(shape.member, f"{name}.{i}") for i in range(1, len(numbers) + 1)]
        check_length(shape, len(found), name)
        return found

    def scalar(self, shape, name):
        if name not in self.parameters:
            deeper = min(p for p in self.parameters if p.startswith(name + "."))
            raise Refused("UnknownParameter", f"The parameter {deeper} is not recognized")
        self.unread.discard(name)
        text = self.parameters[name]
        if text == "" and not MAY_BE_EMPTY.search(name):
            raise invalid(f"Invalid value '' for {name}. It should not be blank.")
        return READERS[shape.type_name](shape, name, text)


def check_length(shape, length, name):
    """Refuses what is shorter, longer, smaller or bigger than its shape allows."""
    if "min" in shape.metadata and length < shape.metadata["min"]:
        raise invalid(f"Value ({length}) for parameter {name} is invalid. Expecting at least {shape.metadata['min']}.")
    if "max" in shape.metadata and length > shape.metadata["max"]:
        raise invalid(f"Value ({length}) for parameter {name} is invalid. Expecting at most {shape.metadata['max']}.")


def text_of(shape, name, text):
    if is_closed_enum(shape) and text not in shape.enum:
        raise invalid(f"Value ({text}) for parameter {name} is invalid.")
    check_length(shape, len(text), name)
    if "pattern" in shape.metadata and not re.fullmatch(shape.metadata["pattern"], text):
        raise invalid(f"Value ({text}) for parameter {name} is invalid.")
    return text


def integer_of(shape, name, text):
    if not re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
        raise invalid(f"Invalid value '{text}' for {name}. It is not an integer.")
    check_length(shape, int(text), name)
    return int(text)


def float_of(_, name, text):
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise invalid(f"Invalid value '{text}' for {name}. It is not a number.")
    return float(text)


def boolean_of(_, name, text):
    if text not in ("true", "false"):
        raise invalid(f"Invalid value '{text}' for {name}. It is neither 'true' nor 'false'.")
    return text == "true"


def timestamp_of(_, name, text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", text):
        raise invalid(f"Invalid value '{text}' for {name}. It is not a timestamp.")
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def blob_of(_, name, text):
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise invalid(f"Invalid value for {name}. It is not base64.") from None


READERS = {
    "string": text_of, "integer": integer_of, "long": integer_of, "double": float_of, "float": float_of,
    "boolean": boolean_of, "timestamp": timestamp_of, "blob": blob_of,
}  # fmt: skip
