"""Key pairs: imported, made, described, deleted."""

import datetime
from dataclasses import dataclass, field

from ..errors import Refused, invalid
from . import key_format, tags
from .filters import matching
from .table import new_id

MOST = 5000


@dataclass
class KeyPair:
    id: str
    name: str
    kind: str
    fingerprint: str
    line: str
    created: datetime.datetime
    tags: dict = field(default_factory=dict)


def named(region, name):
    return next((pair for pair in region.key_pairs.all() if pair.name == name), None)


def check_name(call, name):
    if len(name) > 255 or not name.isascii() or name != name.strip():
        raise invalid(f"Value ({name}) for parameter keyName is invalid. Expecting at most 255 ASCII characters.")
    if named(call.region, name):
        raise Refused("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.")
    if len(call.region.key_pairs.all()) >= MOST:
        raise Refused("KeyPairLimitExceeded", "You have reached the limit of key pairs in this region.")


def add(call, key, fingerprint):
    made = tags.at_creation(call, "key-pair")["key-pair"]
    pair = KeyPair(
        new_id("key"), call["KeyName"], key.kind, fingerprint, key.line, call.cloud.clock.now(), made
    )  # fmt: skip
    return call.region.key_pairs.add(pair)


def import_key_pair(call):
    check_name(call, call["KeyName"])
    key = key_format.read(call["PublicKeyMaterial"])
    pair = add(call, key, key_format.imported_fingerprint(key))
    return answer(pair)


def create_key_pair(call):
    check_name(call, call["KeyName"])
    if call.get("KeyFormat", "pem") != "pem":
        raise invalid("The stand-in makes only the format 'pem'.")
    private, key, fingerprint = key_format.created(call.get("KeyType", "rsa"))
    return {**answer(add(call, key, fingerprint)), "KeyMaterial": private}


def answer(pair):
    return {
        "KeyName": pair.name, "KeyPairId": pair.id, "KeyFingerprint": pair.fingerprint,
        "Tags": tags.rendered(pair.tags),
    }  # fmt: skip


FIELDS = {
    "key-name": lambda pair: pair.name,
    "key-pair-id": lambda pair: pair.id,
    "fingerprint": lambda pair: pair.fingerprint,
    "tags": lambda pair: pair.tags,
}


def describe_key_pairs(call):
    found = call.region.key_pairs.described(call, call.get("KeyPairIds"))
    names = call.get("KeyNames")
    for name in names or ():
        if not any(pair.name == name for pair in found):
            raise Refused("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    if names:
        found = [pair for pair in found if pair.name in names]
    return {
        "KeyPairs": [
            {
                **answer(pair), "KeyType": pair.kind, "CreateTime": pair.created,
                "PublicKey": f"{pair.line} {pair.name}\n" if call.get("IncludePublicKey") else None,
            }
            for pair in matching(call, found, FIELDS)
        ]
    }  # fmt: skip


def delete_key_pair(call):
    """A missing one is no error."""
    if not call.get("KeyName") and not call.get("KeyPairId"):
        raise Refused("MissingParameter", "The request must contain the parameter KeyName or KeyPairId")
    for pair in call.region.key_pairs.all():
        if pair.id == call.get("KeyPairId", pair.id) and pair.name == call.get("KeyName", pair.name):
            call.region.key_pairs.remove(pair)
            return {"Return": True, "KeyPairId": pair.id}
    return {"Return": True}


OPERATIONS = {
    "ImportKeyPair": import_key_pair,
    "CreateKeyPair": create_key_pair,
    "DescribeKeyPairs": describe_key_pairs,
    "DeleteKeyPair": delete_key_pair,
}
