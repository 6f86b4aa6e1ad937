"""EC2's operations over the state of the account's regions."""

from . import (
    addresses, attributes, console, groups, images, instance_calls, instance_types, instances, key_pairs, launch,
    network, rule_calls, tags, volumes,
)  # fmt: skip

OPERATIONS = {}
for module in (
    addresses, attributes, console, groups, images, instance_calls, instance_types, key_pairs, launch, network,
    rule_calls, tags, volumes,
):  # fmt: skip
    OPERATIONS.update(module.OPERATIONS)


def settle(region):
    """Lets time that has passed take effect on all of a region."""
    instances.settle(region)
    volumes.settle(region)
