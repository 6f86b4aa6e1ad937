"""Public keys as AWS reads them, and the fingerprints that it gives them."""

import base64
import binascii
import hashlib
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import Refused

RSA_BITS = (1024, 2048, 4096)


@dataclass
class PublicKey:
    """kind: `rsa` or `ed25519`; line: type and base64, without a comment."""

    kind: str
    line: str
    blob: bytes


def refused():
    return Refused("InvalidKey.Format", "Key is not in valid OpenSSH public key format")


def fields_of(blob):
    """The strings of an SSH wire blob."""
    found = []
    while blob:
        if len(blob) < 4:
            raise refused()
        (length,) = struct.unpack(">I", blob[:4])
        if len(blob) < 4 + length:
            raise refused()
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return found


def read(material):
    """The key of an OpenSSH line. AWS also takes RFC 4716, PEM and DER; this does not."""
    try:
        text = material.decode("ascii")
        match = re.fullmatch(r"(ssh-rsa|ssh-ed25519) ([A-Za-z0-9+/]+=*)( [^\n]*)?\n?", text)
        if not match:
            raise refused()
        blob = base64.b64decode(match[2], validate=True)
    except (UnicodeDecodeError, binascii.Error):
        raise refused() from None
    fields = fields_of(blob)
    if not fields or fields[0] != match[1].encode():
        raise refused()
    line = f"{match[1]} {match[2]}"
    if match[1] == "ssh-ed25519":
        if len(fields) != 2 or len(fields[1]) != 32:
            raise refused()
        return PublicKey("ed25519", line, blob)
    if len(fields) != 3:
        raise refused()
    bits = int.from_bytes(fields[2], "big").bit_length()
    if bits not in RSA_BITS:
        raise Refused("InvalidKey.Format", f"Key length {bits} is not supported; it is 1024, 2048 or 4096")
    return PublicKey("rsa", line, blob)


def der(tag, content):
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


RSA_ALGORITHM = der(0x30, bytes.fromhex("06092a864886f70d0101010500"))


def subject_public_key_info(blob):
    """DER of an RSA key (RFC 5280); SSH's integers are DER's already: two's complement, shortest."""
    _, exponent, modulus = fields_of(blob)
    return der(0x30, RSA_ALGORITHM + der(0x03, b"\0" + der(0x30, der(0x02, modulus) + der(0x02, exponent))))


def colons(data):
    return ":".join(f"{byte:02x}" for byte in data)


def imported_fingerprint(key):
    if key.kind == "rsa":
        return colons(hashlib.md5(subject_public_key_info(key.blob)).digest())
    return base64.b64encode(hashlib.sha256(key.blob).digest()).decode()


def created(kind):
    """A new key pair: the private half's text, the public half, and AWS's fingerprint of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        options = ["-b", "2048", "-m", "PEM"] if kind == "rsa" else []
        subprocess.run(["ssh-keygen", "-q", "-t", kind, *options, "-N", "", "-C", "", "-f", str(path)], check=True)
        key = read(path.with_suffix(".pub").read_bytes().strip())
        if kind == "ed25519":
            return path.read_text(), key, imported_fingerprint(key)
        private = subprocess.run(
            ["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", str(path)],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        return path.read_text(), key, colons(hashlib.sha1(private).digest())
