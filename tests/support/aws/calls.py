"""The log of calls: what was asked, by whom, when, how big, and how it ended."""

import threading
from dataclasses import asdict, dataclass


@dataclass
class Logged:
    """sent, answered: bytes with heads; at: seconds since the epoch; outcome: `ok`, an error's code, or a fault."""

    number: int
    service: str
    action: str
    region: str
    key_id: str
    at: float
    seconds: float
    sent: int
    answered: int
    status: int
    outcome: str
    fault: str
    parameters: dict


class Calls:
    def __init__(self):
        self.logged, self.lock = [], threading.Lock()

    def add(self, **values):
        with self.lock:
            self.logged.append(Logged(number=len(self.logged) + 1, **values))

    def clear(self):
        with self.lock:
            self.logged.clear()

    def state(self):
        with self.lock:
            return [asdict(entry) for entry in self.logged]
