"""Images: described by owner and name, as SSM's parameters name them, and a stranger's of the same name."""

from ..errors import invalid
from ..identity import ACCOUNT
from . import tags
from .filters import matching, page


def rendered(image):
    return {
        "ImageId": image.id, "Name": image.name, "OwnerId": image.owner, "Architecture": image.architecture,
        "CreationDate": image.created, "State": image.state, "Public": image.public, "ImageType": "machine",
        "ImageLocation": f"{image.owner}/{image.name}", "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "RootDeviceName": image.root_device, "RootDeviceType": "ebs", "VirtualizationType": "hvm", "Hypervisor": "xen",
        "EnaSupport": True, "SriovNetSupport": "simple", "BootMode": "uefi",
        "FreeTierEligible": True, "PublicSsmParameterName": image.parameter, "Tags": tags.rendered(image.tags),
        "BlockDeviceMappings": [
            {
                "DeviceName": image.root_device,
                "Ebs": {
                    "SnapshotId": image.snapshot, "VolumeSize": image.size, "VolumeType": "gp3",
                    "DeleteOnTermination": True, "Encrypted": False,
                },
            }
        ],
    }  # fmt: skip


FIELDS = {
    "image-id": lambda image: image.id,
    "name": lambda image: image.name,
    "owner-id": lambda image: image.owner,
    "state": lambda image: image.state,
    "architecture": lambda image: image.architecture,
    "is-public": lambda image: image.public,
    "image-type": lambda _: "machine",
    "creation-date": lambda image: image.created,
    "root-device-name": lambda image: image.root_device,
    "root-device-type": lambda _: "ebs",
    "virtualization-type": lambda _: "hvm",
    "block-device-mapping.volume-type": lambda _: "gp3",
    "public-ssm-parameter-name": lambda image: image.parameter,
    "free-tier-eligible": lambda _: True,
    "tags": lambda image: image.tags,
}


def describe_images(call):
    ids, owners = call.get("ImageIds"), call.get("Owners")
    found = call.region.images.described(call, ids)
    for owner in owners or ():
        if not (owner.isdigit() and len(owner) == 12) and owner not in ("self", "amazon", "aws-marketplace"):
            raise invalid(f"Value ({owner}) for parameter owner is invalid.")
    if owners:
        accounts = [ACCOUNT if owner == "self" else owner for owner in owners]
        found = [image for image in found if image.owner in accounts]
    found = matching(call, found, FIELDS)
    found, following = page(call, found, ids and ("imageIds",), lowest=1)
    answer = {"Images": [rendered(image) for image in found]}
    if following or "MaxResults" in call:
        answer["NextToken"] = following
    return answer


OPERATIONS = {"DescribeImages": describe_images}
