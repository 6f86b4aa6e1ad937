"""SSO: credentials of a role for an access token, and refreshing that token (OIDC)."""

import json
import secrets

from .errors import Refused, StandInBug
from .identity import ACCOUNT
from .json_wire import check
from .models import service_model

# The role's name as people know it, and the role of the account that it is.
ROLE, ACCOUNT_ROLE = "Course", "AWSReservedSSO_Course_0123456789abcdef"
CLIENT_ID, CLIENT_SECRET = "stand-in-client", "stand-in-client-secret"
FIRST_TOKEN, FIRST_REFRESH = "stand-in-sso-access-token", "stand-in-sso-refresh-token"
TOKEN_SECONDS, ROLE_SECONDS = 8 * 3600, 3600


class Sessions:
    """The access and refresh tokens that are good now; a refresh token serves once."""

    def __init__(self):
        self.access, self.refresh = {FIRST_TOKEN}, {FIRST_REFRESH}


def refused(code, message, status):
    return Refused(code, message, status)


def credentials(cloud, request):
    """GET /federation/credentials"""
    if request.method != "GET":
        raise refused("InvalidRequestException", "GET is the method of this path", 400)
    asked = request.arguments
    if sorted(asked) != ["account_id", "role_name"] or "x-amz-sso_bearer_token" not in request.headers:
        raise refused("InvalidRequestException", "role_name, account_id and x-amz-sso_bearer_token are needed", 400)
    if request.headers["x-amz-sso_bearer_token"] not in cloud.sessions.access:
        raise refused("UnauthorizedException", "Session token not found or invalid", 401)
    if (asked["role_name"], asked["account_id"]) != (ROLE, ACCOUNT):
        raise refused("ForbiddenException", "No access", 403)
    role = cloud.identities.role_named(ACCOUNT_ROLE)
    credential = cloud.identities.session(role, "anna", ROLE_SECONDS)
    answer = {
        "roleCredentials": {
            "accessKeyId": credential.key_id, "secretAccessKey": credential.secret, "sessionToken": credential.token,
            "expiration": int(credential.expires.timestamp() * 1000),
        }
    }  # fmt: skip
    check(service_model("sso").operation_model("GetRoleCredentials").output_shape, answer, "answer", StandInBug)
    return json.dumps(answer).encode()


def token(cloud, request):
    """POST /token: only the refreshing of a token; logging in needs a browser."""
    shape = service_model("sso-oidc").operation_model("CreateToken").input_shape
    try:
        asked = json.loads(request.body)
        check(shape, asked, "body", lambda message: refused("InvalidRequestException", message, 400))
    except ValueError:
        raise refused("InvalidRequestException", "The body is not JSON", 400) from None
    if request.method != "POST" or "application/json" not in request.headers.get("content-type", ""):
        raise refused("InvalidRequestException", "POST of application/json is needed", 400)
    if asked["grantType"] != "refresh_token":
        raise refused("UnsupportedGrantTypeException", "unsupported_grant_type", 400)
    if (asked["clientId"], asked["clientSecret"]) != (CLIENT_ID, CLIENT_SECRET):
        raise refused("InvalidClientException", "invalid_client", 401)
    if asked.get("refreshToken") not in cloud.sessions.refresh:
        raise refused("InvalidGrantException", "invalid_grant", 400)
    cloud.sessions.refresh.discard(asked["refreshToken"])
    access, refresh = "access-" + secrets.token_urlsafe(24), "refresh-" + secrets.token_urlsafe(24)
    cloud.sessions.access.add(access)
    cloud.sessions.refresh.add(refresh)
    answer = {"accessToken": access, "tokenType": "Bearer", "expiresIn": TOKEN_SECONDS, "refreshToken": refresh}
    return json.dumps(answer).encode()
