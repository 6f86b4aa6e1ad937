"""The control interface of tests: what goes wrong from now on, what is set, and what the account looks like inside.

`POST /_control` takes an object with any of the keys of ACTIONS; they are done in its order. Answers {"done": true},
or 400 with {"error": why} (what came before the wrong key is done). `GET /_control/state` and `GET /_control/calls`.
"""

import dataclasses
import datetime
import json

from . import dispatch
from .ec2 import instances
from .identity import Credential

TABLES = (
    "vpcs", "subnets", "route_tables", "images", "key_pairs", "groups", "rules", "instances", "volumes", "addresses",
    "interfaces",
)  # fmt: skip


def add_credential(cloud, given):
    """{"key_id", "secret", "arn", "user_id"?, "token"?, "seconds"?}: one more that signs."""
    seconds = given.pop("seconds", None)
    expires = None if seconds is None else cloud.clock.now() + datetime.timedelta(seconds=seconds)
    cloud.identities.add(Credential(**{"user_id": "AIDASTANDINADDED0001", **given, "expires": expires}))


def expire(cloud, key_id):
    """Ends a temporary credential's time; `*`: of all."""
    for credential in cloud.identities.credentials.values():
        if credential.expires and key_id in ("*", credential.key_id):
            credential.expires = cloud.clock.now()


def remove_credential(cloud, key_id):
    del cloud.identities.credentials[key_id]


def power_off(cloud, name):
    """As if the machine's own system had switched it off."""
    cloud.instance(name)
    cloud.powered_off(name)


def kill_instance(cloud, name):
    """AWS ends it (its hardware failed), whatever its protection."""
    region, instance = cloud.instance(name)
    if not instance.gone:
        code = "Server.InternalError"
        instances.begin_end(region, instance, "shutting-down", (code, f"{code}: Internal error on launch"))


def publish_image(cloud, given):
    """{"region", "image", "date"}: a newer image of that name (ubuntu-24.04, debian-12)."""
    cloud.region(given["region"]).publish_image(given["image"], given["date"])


def set_image_state(cloud, given):
    """{"region", "id", "state"}"""
    region = cloud.region(given["region"])
    image = region.images.records[given["id"]]
    image.state = given["state"]
    region.images.touch(image)


def set_sso(cloud, given):
    """{"access": [tokens], "refresh": [tokens]}: those that are good from now on."""
    cloud.sessions.access, cloud.sessions.refresh = set(given["access"]), set(given["refresh"])


def reset(cloud, _):
    """Settings, faults and denials as at first; the account's things stay."""
    cloud.settings.reset()
    cloud.change({})
    cloud.faults.clear()
    cloud.identities.denied = []


def set_all(attribute):
    def change(cloud, value):
        setattr(cloud.identities, attribute, value)

    return change


ACTIONS = {
    "reset": reset,
    "set": lambda cloud, given: cloud.change(given),
    "fault": lambda cloud, given: cloud.faults.add(given),
    "clear_faults": lambda cloud, _: cloud.faults.clear(),
    "deny": set_all("denied"),
    "mfa_code": set_all("mfa_code"),
    "credential": add_credential,
    "remove_credential": remove_credential,
    "expire": expire,
    "sso": set_sso,
    "console": lambda cloud, given: cloud.consoles.update(given),
    "parameter": lambda cloud, given: cloud.parameters.update(given),
    "power_off": power_off,
    "kill_instance": kill_instance,
    "publish_image": publish_image,
    "image_state": set_image_state,
    "clear_calls": lambda cloud, _: cloud.calls.clear(),
}


def said(value, status=200):
    body = json.dumps(value, default=str, indent=1).encode() + b"\n"
    return dispatch.Answer(status, "application/json", body)


def state(cloud):
    """Everything of the account, by region; secrets of credentials are left out."""
    regions = {}
    for name in list(cloud.regions):
        region = cloud.region(name)
        regions[name] = {table: [dataclasses.asdict(r) for r in getattr(region, table).all()] for table in TABLES}
        regions[name]["tokens"] = [
            {"zone": zone, "token": token, "request": entry.request, "instances": entry.instances}
            for (zone, token), entry in region.tokens.items()
        ]
    return {
        "regions": regions,
        "settings": cloud.settings.values,
        "faults": cloud.faults.state(),
        "denied": cloud.identities.denied,
        "credentials": {
            key: {"arn": one.arn, "expires": one.expires} for key, one in cloud.identities.credentials.items()
        },
        "bugs": cloud.bugs,
    }


def answer(cloud, request):
    if request.method == "GET" and request.path == "/_control/calls":
        return said(cloud.calls.state())
    with cloud.lock:
        if request.method == "GET" and request.path == "/_control/state":
            return said(state(cloud))
        if request.method != "POST" or request.path != "/_control":
            return said({"error": "there is POST /_control, GET /_control/state and GET /_control/calls"}, 404)
        try:
            asked = json.loads(request.body)
            unknown = [name for name in asked if name not in ACTIONS]
            if unknown:
                raise ValueError(f"there is no {unknown[0]}; there is {', '.join(ACTIONS)}")
            for name, given in asked.items():
                ACTIONS[name](cloud, given)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            return said({"error": str(wrong)}, 400)
    return said({"done": True})
