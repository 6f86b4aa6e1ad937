"""A table of the account's things, with their past: reads may be behind (eventual consistency)."""

import copy
import re
import secrets

from ..errors import Refused

# Seconds for which past states are kept; no lag is longer.
KEPT = 120.0


def new_id(prefix):
    return f"{prefix}-0{secrets.token_hex(8)}"


class Table:
    """Records by their `id`. missing: (code, message with {}) where an id is not there; malformed: its code or None."""

    def __init__(self, region, prefix, missing, malformed=None):
        self.region, self.prefix, self.missing, self.malformed = region, prefix, missing, malformed
        self.records, self.past = {}, {}

    def add(self, record):
        self.records[record.id] = record
        self.past[record.id] = []
        self.touch(record)
        return record

    def touch(self, record, ticks=None):
        """Says that a record has changed (ticks: when, if not now)."""
        self.note(record.id, copy.deepcopy(record), ticks)

    def remove(self, record):
        del self.records[record.id]
        self.note(record.id, None)

    def note(self, name, version, ticks=None):
        now = self.region.cloud.clock.ticks()
        versions = self.past[name]
        versions.append((now if ticks is None else ticks, version))
        while len(versions) > 1 and versions[1][0] < now - KEPT:
            versions.pop(0)

    def backdate(self):
        """Says that everything was there long ago."""
        for versions in self.past.values():
            versions[:] = [(float("-inf"), version) for _, version in versions[-1:]]

    def all(self):
        return list(self.records.values())

    def seen(self, ticks):
        """The records as they stood then."""
        found = []
        for versions in self.past.values():
            version = next((version for then, version in reversed(versions) if then <= ticks), None)
            if version is not None:
                found.append(version)
        return found

    def refuse(self, name):
        code, message = self.missing
        return Refused(code, message.format(name))

    def check_form(self, name):
        """Refuses what cannot be an id of this table."""
        if self.malformed and not re.fullmatch(rf"{self.prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", name):
            raise Refused(self.malformed, f'Invalid id: "{name}" (expecting "{self.prefix}-...")')

    def described(self, call, names):
        """What a read sees of these ids (all, where none is given)."""
        for name in names or ():
            self.check_form(name)
        seen = {record.id: record for record in self.seen(call.as_of)}
        if not names:
            return list(seen.values())
        for name in names:
            if name not in seen:
                raise self.refuse(name)
        return [seen[name] for name in dict.fromkeys(names)]

    def get(self, call, name):
        """The record that a changing call means; one that is new may not be known there yet."""
        self.check_form(name)
        if name not in self.records:
            raise self.refuse(name)
        if not any(then <= call.refer_as_of for then, version in self.past[name] if version is not None):
            raise self.refuse(name)
        return self.records[name]
