"""One call of an EC2 operation: its parameters, and the region and the moment that it sees."""

from dataclasses import dataclass


@dataclass
class Call:
    """as_of: the ticks that reads see; refer_as_of: those at which what a change refers to must have been there."""

    cloud: object
    region: object
    operation: str
    parameters: dict
    credential: object
    as_of: float
    refer_as_of: float

    def get(self, name, default=None):
        return self.parameters.get(name, default)

    def __getitem__(self, name):
        return self.parameters[name]

    def __contains__(self, name):
        return name in self.parameters


def make(cloud, region, operation, parameters, credential):
    settings, now = cloud.settings, cloud.clock.ticks()
    cloud.reads += 1
    late = settings.lag if not (settings.alternate and cloud.reads % 2) else 0.0
    refer = settings.lag if settings.reference_lag is None else settings.reference_lag
    return Call(cloud, region, operation, parameters, credential, now - late, now - refer)
