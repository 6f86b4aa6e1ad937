"""Requests and answers of the JSON 1.1 services, checked against their operations' shapes."""

import json
import re

from .errors import Refused, StandInBug
from .models import is_closed_enum

CONTENT_TYPE = "application/x-amz-json-1.1"
KINDS = {"string": str, "integer": int, "long": int, "boolean": bool, "double": (int, float), "float": (int, float)}


def wrong(message):
    return Refused("SerializationException", message)


def read(shape, body):
    """The parameters of a request; AWS ignores unknown members, this refuses them."""
    try:
        value = json.loads(body)
    except ValueError:
        raise wrong("The body is not JSON") from None
    check(shape, value, shape.name, wrong)
    return value


def written(shape, value):
    check(shape, value, shape.name, StandInBug)
    return json.dumps(value).encode()


def check(shape, value, name, error):
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            raise error(f"{name} is not an object")
        for member in value:
            if member not in shape.members:
                raise error(f"{name} has no member {member}")
            check(shape.members[member], value[member], f"{name}.{member}", error)
        for member in shape.required_members:
            if member not in value:
                raise validation(f"Value null at '{member}' failed to satisfy constraint: Member must not be null")
    elif shape.type_name == "list":
        if not isinstance(value, list):
            raise error(f"{name} is not a list")
        for entry in value:
            check(shape.member, entry, name + "[]", error)
    elif shape.type_name == "timestamp":
        if not isinstance(value, (int, float)):
            raise error(f"{name} is not a number of seconds")
    else:
        check_scalar(shape, value, name, error)


def check_scalar(shape, value, name, error):
    right = isinstance(value, KINDS[shape.type_name])
    if not right or (isinstance(value, bool) and shape.type_name != "boolean"):
        raise error(f"{name} is not a {shape.type_name}")
    if is_closed_enum(shape) and value not in shape.enum:
        raise validation(
            f"Value '{value}' at '{name}' failed to satisfy constraint: Member must satisfy enum value set"
        )
    size = len(value) if isinstance(value, str) else value
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        raise validation(f"Value '{value}' at '{name}' failed to satisfy constraint: {low} to {high}")
    if "pattern" in shape.metadata and not re.fullmatch(shape.metadata["pattern"], value):
        raise validation(f"Value '{value}' at '{name}' failed to satisfy constraint: {shape.metadata['pattern']}")


def validation(message):
    return Refused("ValidationException", f"1 validation error detected: {message}")


def error(refused, _request_id):
    return json.dumps({"__type": refused.code, "message": refused.message}).encode()
