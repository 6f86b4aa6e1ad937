"""Who may sign: users and their keys, roles, temporary credentials, and what the account denies them."""

import base64
import datetime
import fnmatch
import json
import secrets
from dataclasses import dataclass, field
from typing import Optional

from .errors import Refused

ACCOUNT = "123456789012"
# The person of the tests. AWS's own documentation uses such keys as examples; they open nothing.
USER_KEY, USER_SECRET = "AKIASTANDINANNA00001", "anna/STANDIN+secret0000000000000000000000"
MFA_SERIAL, MFA_CODE = f"arn:aws:iam::{ACCOUNT}:mfa/anna", "123456"
EXTERNAL_ID = "partner-7"
WEB_TOKEN = "stand-in.web-identity.token"
CODES = {"ec2": "UnauthorizedOperation", "sts": "AccessDenied"}


@dataclass
class Credential:
    """A key that signs. token, expires: of temporary ones; arn: who it acts as."""

    key_id: str
    secret: str
    arn: str
    user_id: str
    token: Optional[str] = None
    expires: Optional[datetime.datetime] = None


@dataclass
class Role:
    """Who may assume it: anybody of the account, with what it asks for besides."""

    name: str
    mfa: bool = False
    external_id: Optional[str] = None
    web: bool = False
    service: bool = False  # an instance's or a container's: not assumed by people

    @property
    def arn(self):
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}"


@dataclass
class Identities:
    clock: object
    credentials: dict = field(default_factory=dict)
    roles: dict = field(default_factory=dict)
    denied: list = field(default_factory=list)
    mfa_code: str = MFA_CODE

    def __post_init__(self):
        self.add(Credential(USER_KEY, USER_SECRET, f"arn:aws:iam::{ACCOUNT}:user/anna", "AIDASTANDINANNA00001"))
        for role in (
            Role("mlops"), Role("second"), Role("guarded", mfa=True), Role("partner", external_id=EXTERNAL_ID),
            Role("web", web=True), Role("machine", service=True), Role("container", service=True),
            Role("AWSReservedSSO_Course_0123456789abcdef", service=True),
        ):  # fmt: skip
            self.roles[role.arn] = role

    def add(self, credential):
        self.credentials[credential.key_id] = credential
        return credential

    def role_named(self, name):
        return next(role for role in self.roles.values() if role.name == name)

    def session(self, role, session_name, seconds):
        """A new temporary credential of a role."""
        return self.add(
            Credential(
                "ASIA" + secrets.token_hex(8).upper(),
                base64.b64encode(secrets.token_bytes(30)).decode(),
                f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.name}/{session_name}",
                "AROA" + role.name.upper()[:12].ljust(16, "0") + ":" + session_name,
                token="IQoJ" + base64.b64encode(secrets.token_bytes(120)).decode(),
                expires=self.clock.now().replace(microsecond=0) + datetime.timedelta(seconds=seconds),
            )
        )

    def is_denied(self, action):
        """action: as in a policy (`ec2:RunInstances`)."""
        return any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in self.denied)

    def check(self, credential, service, operation, resource="*"):
        """Refuses an operation that the account denies, in its service's words."""
        action = f"{service}:{operation}"
        if not self.is_denied(action):
            return
        message = (
            f"User: {credential.arn} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"
        )
        if service != "ec2":
            raise Refused(CODES.get(service, "AccessDeniedException"), message)
        message = f"You are not authorized to perform this operation. {message}."
        if not operation.startswith("Describe"):
            message += " Encoded authorization failure message: " + encoded_failure(credential, action, resource)
        raise Refused("UnauthorizedOperation", message)


def encoded_failure(credential, action, resource):
    said = {
        "allowed": False,
        "explicitDeny": False,
        "matchedStatements": {"items": []},
        "failures": {"items": []},
        "context": {
            "principal": {"id": credential.user_id, "arn": credential.arn},
            "action": action,
            "resource": resource,
            "conditions": {"items": []},
        },
    }
    return base64.urlsafe_b64encode(b"stand-in:" + json.dumps(said).encode()).decode().rstrip("=")


def decoded_failure(text):
    """The JSON of an encoded message; absent where it is none of ours."""
    try:
        said = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return said.removeprefix(b"stand-in:").decode() if said.startswith(b"stand-in:") else None
    except ValueError:
        return None
