"""GetConsoleOutput: the machine's own text where a launcher has it, else what cloud-init would print of its keys."""

import base64
import hashlib
import re

from ..errors import Refused
from . import catalog

MOST = 64 * 1024
KEY = re.compile(r"^\s*(?:rsa|ecdsa|ed25519)_public:\s*[\"']?((?:ssh|ecdsa)-\S+ [A-Za-z0-9+/=]+)", re.MULTILINE)


def host_key_blocks(keys, where):
    """cloud-init's two blocks, with a line of the kernel in between, as happens."""
    fingerprints = []
    for key in keys:
        kind, data = key.split()
        digest = base64.b64encode(hashlib.sha256(base64.b64decode(data)).digest()).decode().rstrip("=")
        name = kind.split("-")[1].upper()
        fingerprints.append(f"<14>Aug  1 12:00:00 ec2: 256 SHA256:{digest} {where} ({name})\n")
    stars = "#" * 61
    return (
        f"<14>Aug  1 12:00:00 ec2: \n<14>Aug  1 12:00:00 ec2: {stars}\n"
        "<14>Aug  1 12:00:00 ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\n" + "".join(fingerprints) +
        "<14>Aug  1 12:00:00 ec2: -----END SSH HOST KEY FINGERPRINTS-----\n"
        f"<14>Aug  1 12:00:00 ec2: {stars}\n-----BEGIN SSH HOST KEY KEYS-----\n"
        + "".join(f"{key} {where}\n[   12.345678] audit: type=1400\n" for key in keys)
        + "-----END SSH HOST KEY KEYS-----\n"
    )  # fmt: skip


def invented(instance):
    """The console of a machine that is not there: its host keys are those of its user data."""
    text = base64.b64decode(instance.user_data or "").decode(errors="replace")
    where = "root@ip-" + instance.private_ip.replace(".", "-")
    keys = [" ".join(key.split()) for key in KEY.findall(text)]
    boot = "[    0.000000] Linux version 6.8.0-aws (stand-in)\nCloud-init v. 24.1 running 'modules:final'\n"
    return boot + (host_key_blocks(keys, where) if keys else "") + "Cloud-init v. 24.1 finished. Datasource Ec2.\n"


def get_console_output(call):
    instance = call.region.instances.described(call, [call["InstanceId"]])[0]
    if call.get("Latest") and catalog.TYPES[instance.kind].hypervisor != "nitro":
        raise Refused("UnsupportedOperation", "This instance type does not support retrieving the latest console logs.")
    cloud = call.cloud
    text = cloud.consoles.get(instance.id)
    if text is None:
        text = cloud.machines.console(instance.id)
    if text is None:
        since = instance.running_since
        visible = since is not None and cloud.clock.ticks() - since >= cloud.settings.console_seconds
        text = invented(instance) if visible else ""
    output = base64.b64encode(text.encode()[-MOST:]).decode()
    return {"InstanceId": instance.id, "Timestamp": cloud.clock.now(), "Output": output or None}


OPERATIONS = {"GetConsoleOutput": get_console_output}
