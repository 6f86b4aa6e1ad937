"""STS: who am I, roles (with MFA, an external id, or a web identity), and what an encoded refusal says."""

from .errors import Refused
from .identity import ACCOUNT, MFA_SERIAL, WEB_TOKEN, decoded_failure

UNSIGNED = {"AssumeRoleWithWebIdentity"}
SHORTEST, LONGEST = 900, 3600


def get_caller_identity(_cloud, _parameters, credential):
    return {"Arn": credential.arn, "UserId": credential.user_id, "Account": ACCOUNT}


def duration(parameters, chained=False):
    seconds = parameters.get("DurationSeconds", LONGEST)
    if seconds < SHORTEST:
        raise Refused(
            "ValidationError", f"1 validation error detected: Value '{seconds}' at 'durationSeconds' is too short"
        )
    if seconds > LONGEST:
        why = (
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
            if chained
            else "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
        raise Refused("ValidationError", why)
    return seconds


def assume_role(cloud, parameters, credential):
    role = cloud.identities.roles.get(parameters["RoleArn"])
    denied = Refused(
        "AccessDenied",
        f"User: {credential.arn} is not authorized to perform: sts:AssumeRole on resource: {parameters['RoleArn']}",
    )
    if role is None or role.service or role.web or parameters.get("ExternalId") != role.external_id:
        raise denied
    given = parameters.get("SerialNumber"), parameters.get("TokenCode")
    if role.mfa and given == (None, None):
        raise denied
    if given != (None, None):
        check_mfa(cloud, *given)
    chained = ":assumed-role/" in credential.arn
    return assumed(cloud, role, parameters["RoleSessionName"], duration(parameters, chained))


def check_mfa(cloud, serial, code):
    """A code serves once, as a device's does."""
    if serial != MFA_SERIAL or code is None or code != cloud.identities.mfa_code:
        raise Refused("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
    cloud.identities.mfa_code = None


def assumed(cloud, role, session_name, seconds):
    credential = cloud.identities.session(role, session_name, seconds)
    return {
        "Credentials": {
            "AccessKeyId": credential.key_id, "SecretAccessKey": credential.secret, "SessionToken": credential.token,
            "Expiration": credential.expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": credential.user_id, "Arn": credential.arn},
    }  # fmt: skip


def assume_role_with_web_identity(cloud, parameters, _credential):
    role = cloud.identities.roles.get(parameters["RoleArn"])
    if role is None or not role.web:
        raise Refused("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    if parameters["WebIdentityToken"] != WEB_TOKEN:
        raise Refused("InvalidIdentityToken", "The web identity token that was passed could not be validated by AWS.")
    answer = assumed(cloud, role, parameters["RoleSessionName"], duration(parameters))
    return {**answer, "SubjectFromWebIdentityToken": "anna", "Audience": "sts.amazonaws.com", "Provider": "stand-in"}


def decode_authorization_message(_cloud, parameters, _credential):
    said = decoded_failure(parameters["EncodedMessage"])
    if said is None:
        raise Refused("InvalidAuthorizationMessageException", "Message is not valid")
    return {"DecodedMessage": said}


OPERATIONS = {
    "GetCallerIdentity": get_caller_identity,
    "AssumeRole": assume_role,
    "AssumeRoleWithWebIdentity": assume_role_with_web_identity,
    "DecodeAuthorizationMessage": decode_authorization_message,
}
