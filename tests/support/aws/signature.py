"""SigV4, verified: what must be signed, within which time, and by a secret that the account knows.

Written from the specification (and tested with AWS's vectors), not with botocore's signer: the tests' clients may well
be botocore's, and one mistake in both would not show.
"""

import datetime
import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from .errors import Refused

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = datetime.timedelta(minutes=5)
HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;_-]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class Scope:
    date: str
    region: str
    service: str

    def __str__(self):
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True)
class Authorization:
    """What the Authorization header says."""

    key_id: str
    scope: Scope
    signed: tuple
    signature: str


def parse(header):
    """The header's parts; absent where it is not of this algorithm's form."""
    match = HEADER.fullmatch(header)
    if not match:
        return None
    key_id, date, region, service, signed, signature = match.groups()
    return Authorization(key_id, Scope(date, region, service), tuple(signed.split(";")), signature)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def canonical_query(query):
    """Sorted by name, then value, both percent-encoded anew."""
    pairs = (part.partition("=")[::2] for part in query.split("&") if part)
    encoded = sorted((quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_request(method, path, query, headers, signed, body):
    """headers: lower-case name to value (values of equal names joined by commas)."""
    lines = [f"{name}:{' '.join(headers[name].split())}\n" for name in signed]
    encoded = quote(path, safe="/-_.~") or "/"
    return "\n".join([method, encoded, canonical_query(query), "".join(lines), ";".join(signed), digest(body)])


def signing_key(secret, scope):
    key = b"AWS4" + secret.encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def signature(secret, scope, moment, canonical):
    """moment: as in x-amz-date."""
    text = "\n".join([ALGORITHM, moment, str(scope), digest(canonical.encode())])
    return hmac.new(signing_key(secret, scope), text.encode(), hashlib.sha256).hexdigest()


# What each service says of a signature that it does not take.
EC2 = {
    "unknown": ("AuthFailure", "AWS was not able to validate the provided access credentials"),
    "expired": ("RequestExpired", "Request has expired."),
    "skewed": ("RequestExpired", "Request has expired."),
    "wrong": ("SignatureDoesNotMatch", None),
    "incomplete": ("IncompleteSignature", None),
}
STS = {
    "unknown": ("InvalidClientTokenId", "The security token included in the request is invalid."),
    "expired": ("ExpiredToken", "The security token included in the request is expired"),
    "skewed": ("SignatureDoesNotMatch", None),
    "wrong": ("SignatureDoesNotMatch", None),
    "incomplete": ("IncompleteSignature", None),
}
JSON = {
    "unknown": ("UnrecognizedClientException", "The security token included in the request is invalid."),
    "expired": ("ExpiredTokenException", "The security token included in the request is expired"),
    "skewed": ("InvalidSignatureException", None),
    "wrong": ("InvalidSignatureException", None),
    "incomplete": ("IncompleteSignatureException", None),
}
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


def refusal(service, why, message=None):
    words = {"ec2": EC2, "sts": STS}.get(service, JSON)
    code, usual = words[why]
    return Refused(code, usual or message)


def moment_of(text):
    try:
        return datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None


def check_signed(authorization, headers):
    service = authorization.scope.service
    must = [name for name in ("host", "x-amz-date", "content-type", "x-amz-security-token") if name in headers]
    for name in ("host", "x-amz-date"):
        if name not in headers:
            raise refusal(service, "incomplete", f"Authorization header requires existence of the header {name}.")
    for name in headers:
        if name.startswith("x-amz-") and name not in must:
            must.append(name)
    if list(authorization.signed) != sorted(authorization.signed):
        raise refusal(service, "wrong", MISMATCH)
    for name in authorization.signed:
        if name not in headers:
            raise refusal(service, "wrong", MISMATCH)
    for name in must:
        if name not in authorization.signed:
            raise refusal(service, "wrong", f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def check_time(authorization, headers, now):
    service, sent = authorization.scope.service, headers["x-amz-date"]
    moment = moment_of(sent)
    if moment is None:
        raise refusal(service, "incomplete", "Date must be in ISO-8601 'basic format'.")
    if sent[:8] != authorization.scope.date:
        raise refusal(
            service, "wrong", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date."
        )
    if abs(moment - now) >= SKEW:
        late = moment < now
        limit = (now - SKEW if late else now + SKEW).strftime("%Y%m%dT%H%M%SZ")
        words = ("expired", "earlier", "-") if late else ("not yet current", "later", "+")
        raise refusal(
            service, "skewed",
            f"Signature {words[0]}: {sent} is now {words[1]} than {limit} ({now:%Y%m%dT%H%M%SZ} {words[2]} 5 min.)",
        )  # fmt: skip


def verify(request, authorization, find, now):
    """The credential that signed a request, found by find(key id); refuses whatever AWS would."""
    service, headers = authorization.scope.service, request.headers
    check_signed(authorization, headers)
    credential = find(authorization.key_id)
    if credential is None or headers.get("x-amz-security-token") != credential.token:
        raise refusal(service, "unknown")
    check_time(authorization, headers, now)
    canonical = canonical_request(
        request.method, request.path, request.query, headers, authorization.signed, request.body
    )
    expected = signature(credential.secret, authorization.scope, headers["x-amz-date"], canonical)
    if not hmac.compare_digest(expected, authorization.signature):
        raise refusal(service, "wrong", MISMATCH)
    if credential.expires and credential.expires <= now:
        raise refusal(service, "expired")
    return credential
