"""Calls on instances: described, started, stopped, terminated, rebooted."""

from ..errors import Refused
from . import catalog, instances, launch, placement, tags
from .filters import matching, page


def fields(region):
    return {
        "instance-id": lambda i: i.id,
        "client-token": lambda i: i.token,
        "instance-state-name": lambda i: i.state,
        "instance-state-code": lambda i: instances.CODES[i.state],
        "image-id": lambda i: i.image,
        "instance-type": lambda i: i.kind,
        "key-name": lambda i: i.key_name,
        "subnet-id": lambda i: i.subnet if i.state != "terminated" else None,
        "vpc-id": lambda i: i.vpc if i.state != "terminated" else None,
        "network-interface.subnet-id": lambda i: i.subnet if i.state != "terminated" else None,
        "ip-address": lambda i: i.public_ip,
        "private-ip-address": lambda i: i.private_ip,
        "dns-name": lambda i: instances.public_name(region, i.public_ip),
        "instance.group-id": lambda i: i.groups,
        "instance.group-name": lambda i: [one["GroupName"] for one in instances.group_identifiers(region, i)],
        "availability-zone": lambda i: i.zone,
        "launch-time": lambda i: i.launched.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "reason": lambda i: i.reason,
        "state-reason-code": lambda i: i.state_reason and i.state_reason[0],
        "reservation-id": lambda i: i.reservation,
        "architecture": lambda i: i.architecture,
        "root-device-name": lambda i: i.root_device,
        "block-device-mapping.volume-id": lambda i: [disk.volume for disk in i.disks],
        "instance-lifecycle": lambda i: "spot" if i.spot else None,
        "tags": lambda i: i.tags,
    }


def describe_instances(call):
    ids = call.get("InstanceIds")
    found = matching(call, call.region.instances.described(call, ids), fields(call.region))
    found, following = page(call, found, ids and ("instancesSet",))
    reservations = [instances.reservation(call, [instance]) for instance in found]
    return {"Reservations": joined(call, reservations), "NextToken": following}


def joined(call, reservations):
    """The instances of one reservation stand together; an instance that is to come twice comes in two of them."""
    if call.cloud.settings.duplicate:
        return reservations
    found = {}
    for one in reservations:
        if one["ReservationId"] in found:
            found[one["ReservationId"]]["Instances"] += one["Instances"]
        else:
            found[one["ReservationId"]] = one
    return list(found.values())


def describe_instance_status(call):
    ids = call.get("InstanceIds")
    found = call.region.instances.described(call, ids)
    if not call.get("IncludeAllInstances"):
        found = [instance for instance in found if instance.state == "running"]
    found = matching(call, found, fields(call.region))
    found, following = page(call, found, ids and ("instancesSet",))
    return {"InstanceStatuses": [status(call, instance) for instance in found], "NextToken": following}


def status(call, instance):
    running = instance.state == "running"
    said = "ok" if running else "not-applicable"
    if running and call.cloud.clock.ticks() - instance.running_since < call.cloud.settings.start_seconds:
        said = "initializing"
    checks = {"Status": said, "Details": [{"Name": "reachability", "Status": "passed"}] if said == "ok" else []}
    return {
        "InstanceId": instance.id, "AvailabilityZone": instance.zone,
        "InstanceState": instances.state_of(instance.state),
        "InstanceStatus": checks, "SystemStatus": checks, "Events": [],
    }  # fmt: skip


def change(call, check, act):
    """Does to all of the call's instances what act does, or, where check refuses one, to none."""
    found = [call.region.instances.get(call, name) for name in dict.fromkeys(call["InstanceIds"])]
    for instance in found:
        check(instance)
    answer = []
    for instance in found:
        before = instance.state
        act(instance)
        answer.append(
            {
                "InstanceId": instance.id, "PreviousState": instances.state_of(before),
                "CurrentState": instances.state_of(instance.state),
            }
        )  # fmt: skip
    return answer


def incorrect(instance, what):
    return Refused(
        "IncorrectInstanceState", f"The instance '{instance.id}' is not in a state from which it can be {what}."
    )


def start_instances(call):
    region = call.region

    def check(instance):
        if instance.state not in ("stopped", "running"):
            raise incorrect(instance, "started")
        if instance.state == "running":
            return
        kind = catalog.TYPES[instance.kind]
        launch.check_free(call, kind)
        if not catalog.offers(call.cloud.settings, instance.zone, kind.name):
            raise placement.unsupported(kind, instance.zone, [])
        placement.check_quota(call, kind, 1, instance.spot)
        if placement.room(call, instance.zone, kind) not in (None, *range(1, 10000)):
            raise placement.insufficient(kind, instance.zone, [])

    def act(instance):
        if instance.state == "stopped":
            launch.power_on(region, instance)

    return {"StartingInstances": change(call, check, act)}


def stop_instances(call):
    region = call.region

    def check(instance):
        if instance.state not in ("running", "stopping", "stopped"):
            raise incorrect(instance, "stopped")
        if instance.spot == "one-time":
            raise Refused(
                "UnsupportedOperation",
                f"You can't stop the Spot Instance '{instance.id}' because it is associated with a "
                "one-time Spot Instance request.",
            )  # fmt: skip
        if instance.protect_stop:
            raise Refused(
                "OperationNotPermitted",
                f"The instance '{instance.id}' may not be stopped. Modify its 'disableApiStop' "
                "instance attribute and try again.",
            )  # fmt: skip
        if call.get("Hibernate"):
            raise Refused(
                "UnsupportedHibernationConfiguration", f"The instance '{instance.id}' is not enabled for hibernation."
            )

    def act(instance):
        if instance.state == "running":
            instances.begin_end(region, instance, "stopping")

    return {"StoppingInstances": change(call, check, act)}


def terminate_instances(call):
    region = call.region

    def check(instance):
        if instance.protect_termination and not instance.gone:
            raise Refused(
                "OperationNotPermitted",
                f"The instance '{instance.id}' may not be terminated. Modify its "
                "'disableApiTermination' instance attribute and try again.",
            )  # fmt: skip

    def act(instance):
        if not instance.gone:
            instances.begin_end(region, instance, "shutting-down")

    return {"TerminatingInstances": change(call, check, act)}


def reboot_instances(call):
    def check(instance):
        if instance.state != "running":
            raise incorrect(instance, "rebooted")

    change(call, check, lambda instance: call.cloud.machines.reboot(instance.id))


def describe_network_interfaces(call):
    """The interfaces of instances: who still uses a group."""
    found = [i for i in call.region.instances.seen(call.as_of) if i.state != "terminated"]
    ids = call.get("NetworkInterfaceIds")
    for name in ids or ():
        if name not in {instance.interface for instance in found}:
            raise call.region.interfaces.refuse(name)
    found = [instance for instance in found if not ids or instance.interface in ids]
    its = {
        "network-interface-id": lambda i: i.interface,
        "group-id": lambda i: i.groups,
        "vpc-id": lambda i: i.vpc,
        "subnet-id": lambda i: i.subnet,
        "attachment.instance-id": lambda i: i.id,
        "private-ip-address": lambda i: i.private_ip,
        "association.public-ip": lambda i: i.public_ip,
    }
    found, following = page(call, matching(call, found, its), ids and ("networkInterfaceIds",))
    answer = []
    for instance in found:
        one = instances.rendered_interface(call.region, instance)
        one["Attachment"] = {**one["Attachment"], "InstanceId": instance.id, "InstanceOwnerId": one["OwnerId"]}
        one["TagSet"] = tags.rendered(call.region.interfaces.records[instance.interface].tags)
        one["AvailabilityZone"] = instance.zone
        answer.append(one)
    return {"NetworkInterfaces": answer, "NextToken": following}


OPERATIONS = {
    "DescribeInstances": describe_instances,
    "DescribeInstanceStatus": describe_instance_status,
    "StartInstances": start_instances,
    "StopInstances": stop_instances,
    "TerminateInstances": terminate_instances,
    "RebootInstances": reboot_instances,
    "DescribeNetworkInterfaces": describe_network_interfaces,
}
