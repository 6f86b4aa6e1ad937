"""Volumes: those of instances, how they grow, and what their modifications say."""

import datetime
from dataclasses import dataclass, field
from typing import Optional

from ..errors import Refused, invalid
from . import tags
from .filters import matching, page
from .table import new_id

SIZES = {"gp3": (1, 65536), "gp2": (1, 16384), "io1": (4, 16384), "io2": (4, 65536), "standard": (1, 1024),
         "st1": (125, 16384), "sc1": (125, 16384)}  # fmt: skip
MOST_MODIFICATIONS = 4
DAY = 24 * 3600


@dataclass
class Asked:
    """A disk that RunInstances asks for."""

    device: str
    size: int
    kind: str
    delete_on_termination: bool
    encrypted: bool
    snapshot: Optional[str]
    iops: Optional[int] = None
    throughput: Optional[int] = None


@dataclass
class Modification:
    """begun: ticks; to: the members that change."""

    begun: float
    started: datetime.datetime
    original: dict
    target: dict
    state: str = "modifying"
    ended: Optional[datetime.datetime] = None


@dataclass
class Volume:
    id: str
    size: int
    kind: str
    zone: str
    created: datetime.datetime
    encrypted: bool
    snapshot: Optional[str]
    iops: Optional[int]
    throughput: Optional[int]
    instance: Optional[str] = None
    device: Optional[str] = None
    attached: Optional[datetime.datetime] = None
    delete_on_termination: bool = True
    modifications: list = field(default_factory=list)
    tags: dict = field(default_factory=dict)

    @property
    def state(self):
        return "in-use" if self.instance else "available"

    def properties(self):
        return {"size": self.size, "kind": self.kind, "iops": self.iops, "throughput": self.throughput}


def check_size(size, kind):
    low, high = SIZES[kind]
    if not low <= size <= high:
        raise invalid(f"Volume of {size}GiB is invalid; the size of a {kind} volume is {low} to {high} GiB.")


def performance(kind, size, iops, throughput):
    """IOPS and MiB/s of a volume, where the request does not say them."""
    if kind == "gp3":
        iops, throughput = iops or 3000, throughput or 125
        if not 3000 <= iops <= 16000 or not 125 <= throughput <= 1000:
            raise invalid(f"Volume iops of {iops} or throughput of {throughput} is out of range for gp3.")
        return iops, throughput
    if throughput:
        raise invalid(f"The parameter throughput is not supported for {kind} volumes.")
    if kind in ("io1", "io2"):
        if not iops:
            raise Refused("MissingParameter", "The request must contain the parameter iops")
        return iops, None
    if iops:
        raise invalid(f"The parameter iops is not supported for {kind} volumes.")
    return (min(max(100, 3 * size), 16000) if kind == "gp2" else None), None


def asked(call, image):
    """The disks of a launch: the image's root, as changed by a mapping of its device's name, and others besides.

    A mapping of another name than the root's makes a second disk, as on AWS."""
    root = Asked(image.root_device, image.size, "gp3", True, False, image.snapshot, 3000, 125)
    found = {root.device: root}
    for mapping in call.get("BlockDeviceMappings", []):
        device, ebs = mapping.get("DeviceName"), mapping.get("Ebs", {})
        if not device:
            raise Refused("MissingParameter", "The request must contain the parameter BlockDeviceMapping.DeviceName")
        if not device.startswith(("/dev/sd", "/dev/xvd")):
            raise Refused("InvalidBlockDeviceMapping", f"Invalid device name {device}")
        if device in found and found[device] is not root:
            raise Refused("InvalidBlockDeviceMapping", f"Duplicate device name {device}")
        found[device] = disk_of(device, ebs, root if device == root.device else None)
    return list(found.values())


def disk_of(device, ebs, root):
    size, kind = ebs.get("VolumeSize", root and root.size), ebs.get("VolumeType", "gp3" if root else "gp2")
    if size is None:
        raise Refused("MissingParameter", "The request must contain the parameter size or snapshotId")
    if "SnapshotId" in ebs and (root is None or ebs["SnapshotId"] != root.snapshot):
        raise Refused("InvalidSnapshot.NotFound", f"The snapshot '{ebs['SnapshotId']}' does not exist.")
    if root and size < root.size:
        raise Refused(
            "InvalidBlockDeviceMapping",
            f"Volume of size {size}GB is smaller than snapshot '{root.snapshot}', expect size>= {root.size}GB",
        )
    check_size(size, kind)
    iops, throughput = performance(kind, size, ebs.get("Iops"), ebs.get("Throughput"))
    return Asked(device, size, kind, ebs.get("DeleteOnTermination", True), ebs.get("Encrypted", False),
                 root and root.snapshot, iops, throughput)  # fmt: skip


def attach_new(region, instance, disks, its_tags):
    from .instances import Disk

    now = region.cloud.clock.now()
    for disk in disks:
        volume = region.volumes.add(
            Volume(
                new_id("vol"), disk.size, disk.kind, instance.zone, now, disk.encrypted, disk.snapshot, disk.iops,
                disk.throughput, instance.id, disk.device, now, disk.delete_on_termination, tags=dict(its_tags),
            )
        )  # fmt: skip
        instance.disks.append(Disk(disk.device, volume.id, disk.delete_on_termination, now))


def detach_all(region, instance):
    """At an instance's end: its volumes go with it, or are available from then on."""
    for volume in region.volumes.all():
        if volume.instance == instance.id:
            if volume.delete_on_termination:
                region.volumes.remove(volume)
            else:
                volume.instance = volume.device = volume.attached = None
                region.volumes.touch(volume)


def settle(region):
    now, each = region.cloud.clock.ticks(), region.cloud.settings.modify_seconds
    for volume in region.volumes.all():
        last = volume.modifications[-1] if volume.modifications else None
        if last and last.state == "modifying" and now >= last.begun + each:
            last.state = "optimizing"
            for name, value in last.target.items():
                setattr(volume, name, value)
            region.volumes.touch(volume, last.begun + each)
        if last and last.state == "optimizing" and now >= last.begun + 2 * each:
            last.state, last.ended = "completed", region.cloud.clock.now()
            region.volumes.touch(volume, last.begun + 2 * each)


def rendered(volume):
    attachment = {
        "InstanceId": volume.instance, "VolumeId": volume.id, "Device": volume.device, "State": "attached",
        "AttachTime": volume.attached, "DeleteOnTermination": volume.delete_on_termination,
    }  # fmt: skip
    return {
        "VolumeId": volume.id, "Size": volume.size, "VolumeType": volume.kind, "Iops": volume.iops,
        "Throughput": volume.throughput, "Encrypted": volume.encrypted, "AvailabilityZone": volume.zone,
        "State": volume.state, "CreateTime": volume.created, "SnapshotId": volume.snapshot or "",
        "Attachments": [attachment] if volume.instance else [], "MultiAttachEnabled": False,
        "Tags": tags.rendered(volume.tags),
    }  # fmt: skip


def describe_volumes(call):
    fields = {
        "volume-id": lambda volume: volume.id,
        "size": lambda volume: volume.size,
        "status": lambda volume: volume.state,
        "volume-type": lambda volume: volume.kind,
        "availability-zone": lambda volume: volume.zone,
        "encrypted": lambda volume: volume.encrypted,
        "attachment.instance-id": lambda volume: volume.instance,
        "attachment.device": lambda volume: volume.device,
        "tags": lambda volume: volume.tags,
    }
    ids = call.get("VolumeIds")
    found = matching(call, call.region.volumes.described(call, ids), fields)
    found, following = page(call, found, ids and ("volumeIds",))
    return {"Volumes": [rendered(volume) for volume in found], "NextToken": following}


def check_modifiable(call, volume):
    last = volume.modifications[-1] if volume.modifications else None
    if last and last.state != "completed":
        raise Refused(
            "IncorrectModificationState", f"Cannot modify volume {volume.id}; its modification is {last.state}."
        )
    since = call.cloud.clock.ticks() - DAY
    if sum(1 for one in volume.modifications if one.begun > since) >= MOST_MODIFICATIONS:
        raise Refused(
            "VolumeModificationRateExceeded",
            "You've reached the maximum modification rate per volume limit. Wait at least 6 hours between "
            "modifications per EBS volume.",
        )


def modify_volume(call):
    volume, now = call.region.volumes.get(call, call["VolumeId"]), call.cloud.clock
    names = {"size": "Size", "kind": "VolumeType", "iops": "Iops", "throughput": "Throughput"}
    target = {**volume.properties(), **{name: call[member] for name, member in names.items() if member in call}}
    if not any(member in call for member in names.values()):
        raise Refused("MissingParameter", "The request must contain the parameter size, type or iops")
    if target["size"] < volume.size:
        raise invalid(f"New size cannot be smaller than existing size: {target['size']} < {volume.size}")
    check_size(target["size"], target["kind"])
    if target["kind"] != volume.kind:
        target["iops"], target["throughput"] = call.get("Iops"), call.get("Throughput")
    if target["kind"] == "gp2" and "Iops" not in call:
        target["iops"] = None
    target["iops"], target["throughput"] = performance(
        target["kind"], target["size"], target["iops"], target["throughput"]
    )
    check_modifiable(call, volume)
    volume.modifications.append(Modification(now.ticks(), now.now(), volume.properties(), target))
    call.region.volumes.touch(volume)
    return {"VolumeModification": rendered_modification(volume)}


def rendered_modification(volume):
    last = volume.modifications[-1]
    words = {"size": "Size", "kind": "VolumeType", "iops": "Iops", "throughput": "Throughput"}
    said = {"Original" + words[name]: value for name, value in last.original.items()}
    said.update({"Target" + words[name]: value for name, value in last.target.items()})
    progress = {"modifying": 0, "optimizing": 50, "completed": 100}[last.state]
    return {
        "VolumeId": volume.id, "ModificationState": last.state, "Progress": progress, "StartTime": last.started,
        "EndTime": last.ended, **said,
    }  # fmt: skip


def describe_volumes_modifications(call):
    ids = call.get("VolumeIds")
    found = call.region.volumes.described(call, ids)
    for volume in found if ids else ():
        if not volume.modifications:
            raise Refused(
                "InvalidVolumeModification.NotFound", f"Modification for volume '{volume.id}' does not exist."
            )
    found = [volume for volume in found if volume.modifications]
    fields = {
        "volume-id": lambda volume: volume.id,
        "modification-state": lambda volume: volume.modifications[-1].state,
    }
    found, following = page(call, matching(call, found, fields), ids and ("volumeIds",), lowest=1, highest=500)
    return {"VolumesModifications": [rendered_modification(volume) for volume in found], "NextToken": following}


OPERATIONS = {
    "DescribeVolumes": describe_volumes,
    "ModifyVolume": modify_volume,
    "DescribeVolumesModifications": describe_volumes_modifications,
}
