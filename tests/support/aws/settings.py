"""What a test may set: how long states take, what lags, what is scarce. Each has its default here."""

import copy

DEFAULTS = {
    # Seconds from pending to running, from stopping to stopped, from shutting-down to terminated.
    "start_seconds": 0.3,
    "stop_seconds": 0.3,
    "terminate_seconds": 0.3,
    # Seconds for which a terminated instance's interface still uses its groups (minutes on AWS).
    "interface_seconds": 0.0,
    # Seconds after which a terminated instance is not listed any more.
    "terminated_seconds": 3600.0,
    # Seconds of a volume's modification in each of modifying and optimizing; of a metadata option's pending.
    "modify_seconds": 0.3,
    # Seconds after running at which the console's text can be had, where no launcher has it.
    "console_seconds": 0.0,
    # Seconds that reads are behind: new things are not found, changed ones still look as before.
    "lag": 0.0,
    # The same for what a changing call refers to; null: as lag.
    "reference_lag": None,
    # Whether every other read is up to date all the same.
    "alternate": False,
    # Whether lists come in another order each time, and whether their first item comes twice.
    "reorder": False,
    "duplicate": False,
    # Seconds that every answer takes.
    "latency": 0.0,
    # How many instances of a type a zone still starts: {"eu-central-1a": {"t3.*": 0}}; zone `*` is each of them.
    "capacity": {},
    # The vCPUs of running on-demand standard instances (quota L-1216C47A), and other quotas.
    "vcpus": 32,
    "addresses": 5,
    "rules": 60,
    # Whether only types of the free tier may be started, as on the Free Plan of accounts since 15 July 2025.
    "free_plan": False,
    # Whether a region's first use finds a default VPC.
    "default_vpc": True,
    # Types that a zone does not offer, by the last letter of its name.
    "lacking": {"c": ["t3.*"]},
    # Regions of the opt-in kind that the account has enabled.
    "opted_in": [],
    # Whether the account awaits verification (PendingVerification).
    "unverified": False,
    # Seconds by which the stand-in's clock is ahead.
    "clock_offset": 0.0,
    # What GET /checkip says: the address from which the account's person reaches the world.
    "checkip": "203.0.113.7",
    # The role of the machine whose IMDS this is, or null; whether that IMDS answers; its region.
    "imds_role": "machine",
    "imds": True,
    "imds_region": "eu-central-1",
    # Seconds that credentials of IMDS and of the container endpoint last.
    "role_seconds": 21600,
    # The token that the container endpoint wants in Authorization.
    "container_token": "stand-in-container-token",
    # Parameters of SSM that are not there (patterns), as where a region lacks them.
    "ssm_missing": [],
}


class Settings:
    def __init__(self):
        self.values = copy.deepcopy(DEFAULTS)

    def __getattr__(self, name):
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(name) from None

    def set(self, changes):
        """Takes new values; ValueError where a name or a kind is wrong."""
        for name, value in changes.items():
            if name not in DEFAULTS:
                raise ValueError(f"there is no setting {name}")
            usual = DEFAULTS[name]
            number = isinstance(usual, (int, float)) and not isinstance(usual, bool)
            kinds = (
                (int, float) if number or name == "reference_lag" else (str,) if name == "imds_role" else type(usual)
            )
            nullable = name in ("imds_role", "reference_lag") and value is None
            if not nullable and (not isinstance(value, kinds) or (number and isinstance(value, bool))):
                raise ValueError(f"{name} cannot be {value!r}")
        self.values.update(copy.deepcopy(changes))

    def reset(self):
        self.values = copy.deepcopy(DEFAULTS)
