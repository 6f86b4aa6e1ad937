"""From a request to its answer: which service, who signed, what goes wrong, what is done; and the log of it."""

import sys
import time
import traceback
import uuid
from dataclasses import dataclass, field
from typing import Optional
from urllib.parse import parse_qsl

from . import form, services, signature
from .errors import Refused, StandInBug
from .faults import throttling

HTML = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass
class Request:
    """headers: by lower-case name; path, query: as they were sent."""

    method: str
    path: str
    query: str
    headers: dict
    body: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arguments(self):
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass
class Answer:
    """close: how much of the body is sent before the connection is closed (all, where absent)."""

    status: int
    content_type: str
    body: bytes
    headers: dict = field(default_factory=dict)
    close: Optional[int] = None
    logged: dict = field(default_factory=dict)


# The part of an answer that a closed connection leaves.
NOTHING = 0


def authorization_of(request):
    """Who says to have signed, for which service; refuses what is not SigV4's form."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    authorization = signature.parse(header)
    if authorization is None:
        raise Refused("IncompleteSignature", "Authorization header is not of the form of AWS4-HMAC-SHA256")
    return authorization


def unsigned_service(request):
    """The service of a request without a signature at a signed service's path, for how its refusal looks."""
    if "x-amz-target" in request.headers:
        return services.SIGNED["ssm"]
    try:
        version = form.pairs(request.body).get("Version")
    except Refused:
        version = None
    return services.SIGNED["sts" if version == "2011-06-15" else "ec2"]


def route(request):
    """The service of a request, and its authorization (absent where none is needed)."""
    service = services.by_path(request.path)
    if service:
        return service, None
    authorization = authorization_of(request)
    if authorization is None:
        return unsigned_service(request), None
    name = authorization.scope.service
    if name not in services.SIGNED:
        raise Refused("SignatureDoesNotMatch", f"Credential should be scoped to correct service, not '{name}'.")
    return services.SIGNED[name], authorization


def signer(cloud, service, authorization, request):
    """The credential of a request; absent where the operation needs none."""
    if authorization is None:
        if isinstance(service, services.Unsigned) or isinstance(service, services.Sts):
            return None
        code = "MissingAuthenticationToken" + ("Exception" if isinstance(service, services.Json) else "")
        raise Refused(code, "Request is missing Authentication Token")
    credential = signature.verify(request, authorization, cloud.identities.credentials.get, cloud.clock.now())
    if not cloud.enabled(authorization.scope.region):
        raise signature.refusal(service.name, "unknown")
    return credential


def answer(cloud, request):
    """The answer to a request, with what the log says of it."""
    begun, at = time.monotonic(), time.time()
    service, authorization, fault, action = services.SIGNED["ec2"], None, None, ""
    try:
        service, authorization = route(request)
        action = service.action(request)
        with cloud.lock:
            fault = cloud.faults.next(service.name, action)
            given = None if fault is None or fault.happens else failed(fault, service)
            if given is None:
                given = performed(cloud, service, authorization, request, fault)
    except Refused as refused:
        given = refusal_of(service, refused, request)
    wait = cloud.settings.latency + (
        fault.seconds if fault and fault.kind in ("slow", "hang_before", "hang_after") else 0
    )
    time.sleep(wait)
    if fault and fault.happens:
        disturb(fault, given)
    if fault and fault.retry_after is not None:
        given.headers["x-amz-retry-after"] = str(fault.retry_after)
    given.logged.update(
        service=service.name, action=action, region=authorization.scope.region if authorization else "",
        key_id=authorization.key_id if authorization else "", at=at, seconds=time.monotonic() - begun,
        status=given.status, fault=fault.kind if fault else "", parameters=shown(request, service),
    )  # fmt: skip
    given.logged.setdefault("outcome", "ok")
    return given


def shown(request, service):
    """What the log says of a request's parameters: no user data and no secrets."""
    if not isinstance(service, services.Query):
        return {}
    try:
        given = form.pairs(request.body)
    except Refused:
        return {}
    return {
        name: value for name, value in given.items() if name not in ("UserData", "UserData.Value", "WebIdentityToken")
    }


def refusal_of(service, refused, request):
    body = service.error(refused, request.id)
    headers = {"x-amzn-ErrorType": refused.code} if isinstance(service, services.Unsigned) else {}
    return Answer(refused.status, service.content_type, body, headers, logged={"outcome": refused.code})


def failed(fault, service):
    """The answer of a fault that keeps the operation from taking place; absent where the service itself says it."""
    if fault.kind in ("lost_request", "hang_before"):
        return Answer(0, "", b"", close=NOTHING, logged={"outcome": fault.kind})
    if fault.kind == "html":
        return Answer(fault.status or 502, "text/html", HTML, logged={"outcome": fault.kind})
    if fault.kind == "empty":
        return Answer(fault.status or 503, "text/plain", b"", logged={"outcome": fault.kind})
    if fault.kind == "redirect":
        elsewhere = {"Location": "http://127.0.0.1:9/"}
        return Answer(307, "text/html", b"", elsewhere, logged={"outcome": fault.kind})
    return None


def performed(cloud, service, authorization, request, fault):
    try:
        credential = signer(cloud, service, authorization, request)
        if fault and fault.kind == "throttle":
            code, message, status = throttling(service.name)
            raise Refused(code, message, status)
        if fault and fault.kind == "error":
            raise Refused(fault.code, fault.message, fault.status)
        region = authorization.scope.region if authorization else ""
        body = service.perform(cloud, request, region, credential)
        if fault and fault.kind == "error_after":
            raise Refused(fault.code, fault.message, fault.status)
        return Answer(200, service.content_type, body)
    except Refused as refused:
        return refusal_of(service, refused, request)
    except Exception as wrong:
        # A mistake of the stand-in: said so loudly that no test passes over it.
        if not isinstance(wrong, StandInBug):
            traceback.print_exc()
        sys.stderr.write(f"the AWS stand-in cannot answer {service.action(request)}: {wrong}\n")
        cloud.bugs.append(f"{service.name} {service.action(request)}: {type(wrong).__name__}: {wrong}")
        return refusal_of(service, Refused("StandInBug", str(wrong), 501), request)


def disturb(fault, given):
    """What a fault makes of the answer to something that took place."""
    if fault.kind in ("lost_reply", "hang_after"):
        given.close = NOTHING
    elif fault.kind == "half_reply":
        given.close = len(given.body) // 2
    elif fault.kind == "garbage":
        given.body = given.body[: len(given.body) // 2]
    if fault.kind != "slow":
        given.logged["outcome"] = fault.kind if fault.kind != "error_after" else given.logged.get("outcome", fault.code)
