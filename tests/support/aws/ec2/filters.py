"""Filters and pages of the Describe operations."""

import base64
import hashlib
import json
import re

from ..errors import Refused, combination, invalid

MOST_VALUES = 200


def pattern(text):
    """`*` and `?` are wildcards, a backslash takes their meaning away."""
    parts = re.findall(r"\\.|.", text, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(p) or re.escape(p[1:] if len(p) == 2 else p) for p in parts), re.DOTALL)


def texts(values):
    """Values as filters compare them."""
    if values is None:
        return []
    if not isinstance(values, (list, tuple, set)):
        values = [values]
    return [("true" if v else "false") if isinstance(v, bool) else str(v) for v in values if v is not None]


def matching(call, records, fields):
    """The records that all of a call's filters let through.

    fields: a filter's name to a function of a record that gives its values."""
    filters = call.get("Filters", [])
    if sum(len(one.get("Values", [])) for one in filters) > MOST_VALUES:
        raise Refused("FilterLimitExceeded", "The maximum number of filter values specified on a single call is 200")
    for one in filters:
        name, values = one.get("Name"), one.get("Values")
        if not name:
            raise Refused("MissingParameter", "The request must contain the parameter Filter.Name")
        if not values:
            raise invalid(f"The filter '{name}' has no value")
        patterns = [pattern(value) for value in values]
        get = field_of(name, fields)
        records = [r for r in records if any(p.fullmatch(text) for p in patterns for text in texts(get(r)))]
    return records


def field_of(name, fields):
    if "tags" in fields or "tag-key" in fields:
        get_tags = fields.get("tags", lambda record: record.tags)
        if name.startswith("tag:"):
            return lambda record: get_tags(record).get(name[4:])
        if name == "tag-key":
            return lambda record: list(get_tags(record))
    if name in fields and name != "tags":
        return fields[name]
    raise invalid(f"The filter '{name}' is invalid")


def token(call, offset):
    return base64.urlsafe_b64encode(json.dumps([offset, fingerprint(call)]).encode()).decode()


def fingerprint(call):
    """Of the request without its page: a token belongs to one request."""
    rest = {k: v for k, v in call.parameters.items() if k not in ("NextToken", "MaxResults")}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()[:16]


def page(call, found, given=None, lowest=5, highest=1000):
    """The page of what was found that a call asks for, and the next page's token or None.

    given: the ids that the call names, which exclude pages."""
    most, mark = call.get("MaxResults"), call.get("NextToken")
    found = disturbed(call, found)
    if most is None and not mark:
        return found, None
    if given:
        raise combination(f"The parameter {given[0]} cannot be used with the parameter maxResults")
    if most is not None and not lowest <= most <= highest:
        raise invalid(f"Value ( {most} ) for parameter maxResults is invalid. Expecting a value greater than {lowest}.")
    offset = 0
    if mark:
        try:
            offset, whose = json.loads(base64.urlsafe_b64decode(mark))
        except ValueError:
            whose = None
        if whose != fingerprint(call):
            raise Refused("InvalidNextToken", "The specified NextToken is not valid")
    end = offset + (most or highest)
    return found[offset:end], token(call, end) if end < len(found) else None


def disturbed(call, found):
    """Another order, or an item twice, where the settings say so."""
    settings = call.cloud.settings
    if settings.reorder:
        found = sorted(found, key=lambda _: call.cloud.random.random())
    if settings.duplicate and found:
        found = [*found, found[0]]
    return found
