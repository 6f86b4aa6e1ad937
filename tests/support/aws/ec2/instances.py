"""Instances: what they are, how their states follow one another, and how DescribeInstances renders them."""

import datetime
from dataclasses import dataclass, field
from typing import Optional

from ..identity import ACCOUNT
from . import rules, tags

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
NEXT = {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}


@dataclass
class Disk:
    device: str
    volume: str
    delete_on_termination: bool
    attached: datetime.datetime


@dataclass
class Interface:
    """The network interface of an instance; it goes with it."""

    id: str
    instance: str
    tags: dict = field(default_factory=dict)


@dataclass
class Instance:
    """due: the ticks at which the state that it is in ends, with the machine's own work done by then."""

    id: str
    reservation: str
    image: str
    kind: str
    architecture: str
    key_name: Optional[str]
    token: Optional[str]
    subnet: str
    vpc: str
    zone: str
    private_ip: str
    wants_public: bool
    groups: list
    interface: str
    root_device: str
    launched: datetime.datetime
    metadata: dict
    user_data: Optional[str]  # base64
    on_shutdown: str
    credits: Optional[str]
    spot: Optional[str]
    ebs_optimized: bool = False
    monitoring: bool = False
    protect_termination: bool = False
    protect_stop: bool = False
    source_dest_check: bool = True
    public_ip: Optional[str] = None
    elastic: bool = False
    disks: list = field(default_factory=list)
    state: str = "pending"
    due: Optional[float] = None
    running_since: Optional[float] = None
    terminated_at: Optional[float] = None
    last_groups: list = field(default_factory=list)  # at its end
    boots: int = 0
    reason: str = ""
    state_reason: Optional[tuple] = None
    metadata_due: Optional[float] = None
    ingress: list = field(default_factory=list)  # as the machine was told last
    tags: dict = field(default_factory=dict)

    @property
    def gone(self):
        return self.state in ("shutting-down", "terminated")


def begin(region, instance, state, seconds):
    """Enters a state that ends by itself."""
    instance.state = state
    instance.due = region.cloud.clock.ticks() + seconds
    region.instances.touch(instance)


def begin_end(region, instance, state, why=None):
    """Enters stopping or shutting-down. why: (code, message) of its reason, else that the person asked for it."""
    cloud = region.cloud
    instance.reason = "" if why else f"User initiated ({cloud.clock.now():%Y-%m-%d %H:%M:%S} GMT)"
    code = "Client.UserInitiatedShutdown"
    instance.state_reason = why or (code, f"{code}: User initiated shutdown")
    if state == "stopping":
        cloud.machines.stop(instance.id)
        begin(region, instance, state, cloud.settings.stop_seconds)
    else:
        cloud.machines.terminate(instance.id)
        begin(region, instance, state, cloud.settings.terminate_seconds)


def settle(region):
    """Lets time that has passed take effect."""
    now = region.cloud.clock.ticks()
    for instance in region.instances.all():
        if instance.due is not None and instance.due <= now:
            settle_state(region, instance)
        if instance.metadata_due is not None and instance.metadata_due <= now:
            instance.metadata_due = None
            region.instances.touch(instance)
        if instance.state == "running":
            enforce(region, instance)
        if instance.terminated_at and now - instance.terminated_at > region.cloud.settings.terminated_seconds:
            region.instances.remove(instance)


def enforce(region, instance):
    """Tells the machine what its groups let in, where that has changed."""
    wanted = rules.ingress(region, instance)
    if wanted != instance.ingress:
        instance.ingress = wanted
        region.cloud.machines.firewall(instance.id, wanted)


def settle_state(region, instance):
    job = region.cloud.machines.job(instance.id)
    if job and not job.done:
        return
    due, instance.due = instance.due, None
    if job and job.error and instance.state == "pending":
        # As when a volume's key or the image is unusable: it never runs.
        begin_end(region, instance, "shutting-down", ("Server.InternalError", f"Server.InternalError: {job.error}"))
        return
    if job and job.error:
        region.cloud.bugs.append(f"the launcher failed to end {instance.id}: {job.error}")
    instance.state = NEXT[instance.state]
    if instance.state == "running":
        run(region, instance, job.result if job else {})
    else:
        release(region, instance)
    region.instances.touch(instance, None if job and job.slow else due)


def run(region, instance, result):
    instance.running_since = region.cloud.clock.ticks()
    if result.get("private_ip"):
        instance.private_ip = result["private_ip"]
    if not instance.elastic and instance.wants_public:
        instance.public_ip = result.get("public_ip")


def release(region, instance):
    """What a machine loses when it is off, and what more when it is ended."""
    from . import volumes

    instance.running_since = None
    if not instance.elastic:
        instance.public_ip = None
    if instance.state == "terminated":
        instance.terminated_at = region.cloud.clock.ticks()
        for address in region.addresses.all():
            if address.instance == instance.id:
                address.leave()
                region.addresses.touch(address)
        volumes.detach_all(region, instance)
        instance.last_groups = instance.groups
        instance.disks, instance.groups, instance.public_ip, instance.elastic = [], [], None, False
        if instance.interface in region.interfaces.records:
            region.interfaces.remove(region.interfaces.records[instance.interface])


def uses_group(region, instance, group):
    """Whether its interface keeps a group from being deleted."""
    if instance.state != "terminated":
        return group.id in instance.groups
    since = region.cloud.clock.ticks() - instance.terminated_at
    return group.id in instance.last_groups and since < region.cloud.settings.interface_seconds


def powered_off(region, instance):
    """Its own system switched it off."""
    if instance.state != "running":
        return
    code = "Client.InstanceInitiatedShutdown"
    state = "stopping" if instance.on_shutdown == "stop" else "shutting-down"
    begin_end(region, instance, state, (code, f"{code}: Instance initiated shutdown"))


def state_of(name):
    return {"Code": CODES[name], "Name": name}


def dashed(address):
    return address.replace(".", "-")


def public_name(region, address):
    return address and f"ec2-{dashed(address)}.{region.name}.compute.amazonaws.com"


def private_name(region, address):
    return f"ip-{dashed(address)}.{region.name}.compute.internal"


def group_identifiers(region, instance):
    """A read that is behind may name a group that is gone by now."""
    known = region.groups.records
    return [{"GroupId": name, "GroupName": known[name].name if name in known else ""} for name in instance.groups]


def rendered_interface(region, instance):
    association = instance.public_ip and {
        "PublicIp": instance.public_ip,
        "PublicDnsName": public_name(region, instance.public_ip),
        "IpOwnerId": ACCOUNT if instance.elastic else "amazon",
    }
    return {
        "NetworkInterfaceId": instance.interface, "SubnetId": instance.subnet, "VpcId": instance.vpc,
        "Status": "in-use", "PrivateIpAddress": instance.private_ip, "OwnerId": ACCOUNT, "InterfaceType": "interface",
        "PrivateDnsName": private_name(region, instance.private_ip), "Association": association or None,
        "Groups": group_identifiers(region, instance), "SourceDestCheck": instance.source_dest_check,
        "Attachment": {"DeviceIndex": 0, "Status": "attached", "DeleteOnTermination": True},
    }  # fmt: skip


def rendered_disk(disk):
    return {
        "DeviceName": disk.device,
        "Ebs": {
            "VolumeId": disk.volume, "Status": "attached", "AttachTime": disk.attached,
            "DeleteOnTermination": disk.delete_on_termination,
        },
    }  # fmt: skip


def metadata_of(instance):
    return {**instance.metadata, "State": "applied" if instance.metadata_due is None else "pending"}


def rendered(call, instance):
    """An instance as Run- and DescribeInstances say it; a terminated one has lost its network and disks."""
    region, there = call.region, instance.state != "terminated"
    from .catalog import zone_id

    return {
        "InstanceId": instance.id, "ImageId": instance.image, "InstanceType": instance.kind, "AmiLaunchIndex": 0,
        "Architecture": instance.architecture, "LaunchTime": instance.launched, "KeyName": instance.key_name,
        "ClientToken": instance.token or "", "State": state_of(instance.state), "Hypervisor": "xen",
        "StateTransitionReason": instance.reason, "VirtualizationType": "hvm", "RootDeviceType": "ebs",
        "StateReason": instance.state_reason and dict(zip(("Code", "Message"), instance.state_reason)),
        "Placement": {
            "AvailabilityZone": instance.zone, "AvailabilityZoneId": zone_id(instance.zone), "GroupName": "",
            "Tenancy": "default",
        },
        "SubnetId": instance.subnet if there else None, "VpcId": instance.vpc if there else None,
        "PrivateIpAddress": instance.private_ip if there else None,
        "PrivateDnsName": private_name(region, instance.private_ip) if there else "",
        "PublicIpAddress": instance.public_ip, "PublicDnsName": public_name(region, instance.public_ip) or "",
        "SecurityGroups": group_identifiers(region, instance), "RootDeviceName": instance.root_device,
        "BlockDeviceMappings": [rendered_disk(disk) for disk in instance.disks],
        "NetworkInterfaces": [rendered_interface(region, instance)] if there else [],
        "MetadataOptions": metadata_of(instance), "EbsOptimized": instance.ebs_optimized, "EnaSupport": True,
        "Monitoring": {"State": "enabled" if instance.monitoring else "disabled"}, "ProductCodes": [],
        "InstanceLifecycle": "spot" if instance.spot else None, "SourceDestCheck": instance.source_dest_check,
        "SpotInstanceRequestId": "sir-standin1" if instance.spot else None, "Tags": tags.rendered(instance.tags),
    }  # fmt: skip


def reservation(call, found):
    return {
        "ReservationId": found[0].reservation, "OwnerId": ACCOUNT, "Groups": [],
        "Instances": [rendered(call, instance) for instance in found],
    }  # fmt: skip
