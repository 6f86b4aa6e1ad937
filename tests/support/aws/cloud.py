"""The whole stand-in: the account's regions, who may act, what goes wrong, and one lock for all of it."""

import random
import threading

from .calls import Calls
from .clock import Clock
from .ec2 import catalog, instances, settle
from .ec2.region import Region
from .faults import Faults
from .identity import Identities
from .machines import LaunchedMachines, NoMachines
from .models import service_model
from .settings import Settings
from .sso import Sessions


class Cloud:
    """launcher: the argv of the command that starts machines, or None; settings: changes of the defaults."""

    def __init__(self, launcher=None, settings=None):
        self.lock = threading.RLock()
        self.clock, self.settings = Clock(), Settings()
        self.random = random.Random(1)
        self.faults, self.calls = Faults(), Calls()
        self.identities = Identities(self.clock)
        self.sessions = Sessions()
        self.regions, self.consoles, self.parameters = {}, {}, {}
        self.imds_tokens = {}
        self.reads = 0
        # What the stand-in itself did wrong; a test that ends with one is void.
        self.bugs = []
        self.machines = LaunchedMachines(launcher, self.powered_off, self.bugs) if launcher else NoMachines()
        self.change(settings or {})

    def change(self, settings):
        self.settings.set(settings)
        self.clock.offset = self.settings.clock_offset

    def region(self, name):
        """The region's state as it is now."""
        if name not in self.regions:
            self.regions[name] = Region(self, name)
        settle(self.regions[name])
        return self.regions[name]

    def enabled(self, name):
        """Whether there is such a region and the account may use it."""
        return catalog.REGIONS.get(name, "not-opted-in") != "not-opted-in" or name in self.settings.opted_in

    @staticmethod
    def model(service):
        return service_model(service)

    def instance(self, name):
        """The region and the instance of an id; KeyError where there is none."""
        for region in self.regions.values():
            if name in region.instances.records:
                settle(region)
                return region, region.instances.records[name]
        raise KeyError(f"there is no instance {name}")

    def powered_off(self, name):
        """The machine of an instance switched itself off."""
        with self.lock:
            try:
                region, instance = self.instance(name)
            except KeyError:
                return
            instances.powered_off(region, instance)
