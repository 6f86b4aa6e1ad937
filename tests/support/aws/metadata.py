"""What only a machine of AWS's can ask: IMDSv2, and the credentials of a container. Neither is signed."""

import json
import secrets

from .ec2 import catalog
from .errors import Refused
from .identity import ACCOUNT

CONTAINER_PATH = "/stand-in/container/credentials"
TOKEN_PATH, TTL, TOKEN = "/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token"
ROLES = "/latest/meta-data/iam/security-credentials/"
INSTANCE = "i-0123456789abcdef0"


def imds(cloud, request):
    """The text of a path of IMDSv2; version 1 (without a token) is refused."""
    if not cloud.settings.imds:
        raise Refused("Forbidden", "Forbidden", 403)
    if request.path == TOKEN_PATH:
        return new_token(cloud, request)
    if request.method != "GET":
        raise Refused("MethodNotAllowed", "Method Not Allowed", 405)
    expires = cloud.imds_tokens.get(request.headers.get(TOKEN))
    if expires is None or expires <= cloud.clock.ticks():
        raise Refused("Unauthorized", "Unauthorized", 401)
    text = paths(cloud).get(request.path)
    if text is None and cloud.settings.imds_role and request.path == ROLES + cloud.settings.imds_role:
        text = role_document(cloud, cloud.settings.imds_role, "machine")
    if text is None:
        raise Refused("NotFound", "Not Found", 404)
    return text.encode()


def new_token(cloud, request):
    if request.method != "PUT":
        raise Refused("MethodNotAllowed", "Method Not Allowed", 405)
    seconds = request.headers.get(TTL, "")
    if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
        raise Refused("BadRequest", "Bad Request", 400)
    if "x-forwarded-for" in request.headers:
        raise Refused("Forbidden", "Forbidden", 403)
    token = secrets.token_urlsafe(40)
    cloud.imds_tokens[token] = cloud.clock.ticks() + int(seconds)
    return token.encode()


def paths(cloud):
    region = cloud.settings.imds_region
    zone = catalog.zones(region)[0]
    document = {
        "accountId": ACCOUNT, "architecture": "x86_64", "availabilityZone": zone, "imageId": "ami-0123456789abcdef0",
        "instanceId": INSTANCE, "instanceType": "t3.small", "pendingTime": "2026-08-01T12:00:00Z",
        "privateIp": "172.31.5.6", "region": region, "version": "2017-09-30",
    }  # fmt: skip
    found = {
        "/latest/meta-data/instance-id": INSTANCE,
        "/latest/meta-data/placement/region": region,
        "/latest/meta-data/placement/availability-zone": zone,
        "/latest/dynamic/instance-identity/document": json.dumps(document),
    }
    # An instance without a role answers 404.
    if cloud.settings.imds_role:
        found[ROLES] = found[ROLES.rstrip("/")] = cloud.settings.imds_role
    return found


def role_document(cloud, role, session):
    credential = cloud.identities.session(cloud.identities.role_named(role), session, cloud.settings.role_seconds)
    return json.dumps(
        {
            "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": f"{cloud.clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "AccessKeyId": credential.key_id, "SecretAccessKey": credential.secret, "Token": credential.token,
            "Expiration": f"{credential.expires:%Y-%m-%dT%H:%M:%SZ}",
        }
    )  # fmt: skip


def container(cloud, request):
    """What AWS_CONTAINER_CREDENTIALS_FULL_URI names."""
    if request.method != "GET":
        raise Refused("MethodNotAllowed", "Method Not Allowed", 405)
    if request.headers.get("authorization") != cloud.settings.container_token:
        raise Refused("AccessDeniedException", "The authorization token is wrong", 403)
    credential = cloud.identities.session(
        cloud.identities.role_named("container"), "container", cloud.settings.role_seconds
    )
    return json.dumps(
        {
            "RoleArn": cloud.identities.role_named("container").arn, "AccessKeyId": credential.key_id,
            "SecretAccessKey": credential.secret, "Token": credential.token,
            "Expiration": f"{credential.expires:%Y-%m-%dT%H:%M:%SZ}",
        }
    ).encode()  # fmt: skip
