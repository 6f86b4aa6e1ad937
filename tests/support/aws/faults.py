"""Programmed faults: what goes wrong with the next calls of an action."""

import fnmatch
from dataclasses import asdict, dataclass
from typing import Optional

# What may go wrong, and whether the operation takes place all the same.
KINDS = {
    "lost_request": False,  # the connection is closed, nothing happened
    "lost_reply": True,  # the connection is closed, it happened
    "half_reply": True,  # the connection is closed in the middle of the answer
    "hang_before": False,  # no answer for `seconds`, then the connection is closed; nothing happened
    "hang_after": True,  # the same, and it happened
    "throttle": False,  # the service's own throttling error
    "error": False,  # code, message, status
    "error_after": True,  # the same, though it happened
    "html": False,  # a proxy's page, with `status` (502)
    "empty": False,  # only a status (503)
    "redirect": False,  # 307 to another place of the web
    "garbage": True,  # 200 with XML that ends in the middle
    "slow": True,  # the right answer after `seconds`
}


@dataclass
class Fault:
    """action, service: patterns; after: so many matching calls go well first; times: then so many fail (-1: all)."""

    kind: str
    action: str = "*"
    service: str = "*"
    times: int = 1
    after: int = 0
    code: str = "InternalError"
    message: str = "An internal error has occurred"
    status: Optional[int] = None
    seconds: float = 30.0
    retry_after: Optional[int] = None  # milliseconds, in the header that says so
    hits: int = 0

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"there is no kind of fault {self.kind}")

    @property
    def happens(self):
        return KINDS[self.kind]

    def strikes(self, service, action):
        if self.times == 0 or not fnmatch.fnmatchcase(service, self.service):
            return False
        if not fnmatch.fnmatchcase(action, self.action):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times > 0:
            self.times -= 1
        self.hits += 1
        return True


class Faults:
    def __init__(self):
        self.programmed = []

    def add(self, description):
        try:
            self.programmed.append(Fault(**description))
        except TypeError as wrong:
            raise ValueError(str(wrong)) from None

    def next(self, service, action):
        """The fault of this call; absent where it goes well."""
        return next((fault for fault in self.programmed if fault.strikes(service, action)), None)

    def clear(self):
        self.programmed.clear()

    def state(self):
        return [asdict(fault) for fault in self.programmed]


def throttling(service):
    """The code, message and status with which a service throttles."""
    if service == "ec2":
        return "RequestLimitExceeded", "Request limit exceeded.", 503
    if service == "sts":
        return "Throttling", "Rate exceeded", 400
    return "ThrottlingException", "Rate exceeded", 400
