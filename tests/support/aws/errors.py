"""What the stand-in refuses, and the HTTP status that each code has."""

# Codes that are not answered with 400.
STATUS = {
    "AuthFailure": 401,
    "AccessDenied": 403,
    "ExpiredToken": 403,
    "InvalidClientTokenId": 403,
    "MissingAuthenticationToken": 403,
    "SignatureDoesNotMatch": 403,
    "IncompleteSignature": 400,
    "UnauthorizedOperation": 403,
    "DryRunOperation": 412,
    "RequestLimitExceeded": 503,
    "Unavailable": 503,
    "ServiceUnavailable": 503,
    "InsufficientInstanceCapacity": 500,
    "InsufficientFreeAddressesInSubnet": 400,
    "InternalError": 500,
    "InternalFailure": 500,
}


class Refused(Exception):
    """An answer that is an error: AWS's code, and a message in AWS's words where they are known."""

    def __init__(self, code, message, status=None):
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message
        self.status = status or STATUS.get(code, 400)


class StandInBug(Exception):
    """The stand-in itself is wrong or does not know how: answered with 501, which no client retries."""


def missing(name):
    return Refused("MissingParameter", f"The request must contain the parameter {name}")


def invalid(message):
    return Refused("InvalidParameterValue", message)


def combination(message):
    return Refused("InvalidParameterCombination", message)
