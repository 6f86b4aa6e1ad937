"""What AWS offers: regions, zones, instance types, images. A small part, in AWS's own words."""

import fnmatch
import hashlib
from dataclasses import dataclass, field
from typing import Optional

REGIONS = {
    "eu-central-1": "opt-in-not-required",
    "eu-west-1": "opt-in-not-required",
    "us-east-1": "opt-in-not-required",
    "us-west-2": "opt-in-not-required",
    "eu-central-2": "not-opted-in",
}
ZONE_LETTERS = "abc"


@dataclass(frozen=True)
class InstanceType:
    """memory: MiB; hourly: dollars in eu-central-1 (invented, near the real price)."""

    name: str
    vcpus: int
    memory: int
    hourly: float
    hypervisor: str = "nitro"
    architecture: str = "x86_64"
    free: bool = False
    burstable: bool = False
    current: bool = True
    gpu: Optional[str] = None

    @property
    def standard(self):
        """Whether it counts for the quota L-1216C47A."""
        return self.name[0] in "acdhimrtz"


TYPES = {
    kind.name: kind
    for kind in (
        InstanceType("t2.micro", 1, 1024, 0.0134, "xen", burstable=True),
        InstanceType("t2.large", 2, 8192, 0.1072, "xen", burstable=True),
        InstanceType("t3.micro", 2, 1024, 0.0120, free=True, burstable=True),
        InstanceType("t3.small", 2, 2048, 0.0240, free=True, burstable=True),
        InstanceType("t3.medium", 2, 4096, 0.0480, burstable=True),
        InstanceType("t3.large", 2, 8192, 0.0960, burstable=True),
        InstanceType("t3.xlarge", 4, 16384, 0.1920, burstable=True),
        InstanceType("t4g.micro", 2, 1024, 0.0096, architecture="arm64", free=True, burstable=True),
        InstanceType("t4g.small", 2, 2048, 0.0192, architecture="arm64", free=True, burstable=True),
        InstanceType("c7i-flex.large", 2, 4096, 0.0969, free=True),
        InstanceType("m7i-flex.large", 2, 8192, 0.1149, free=True),
        InstanceType("m5.large", 2, 8192, 0.1150),
        InstanceType("m5.4xlarge", 16, 65536, 0.9200),
        InstanceType("m3.medium", 1, 3840, 0.0790, "xen", current=False),
        InstanceType("g4dn.xlarge", 4, 16384, 0.6580, gpu="T4"),
    )
}


@dataclass
class Image:
    id: str
    name: str
    owner: str
    architecture: str
    root_device: str
    size: int  # GiB of its snapshot
    created: str
    user: str = "root"
    alias: str = ""  # the name by which the playbook knows it; for the launcher
    state: str = "available"
    public: bool = True
    parameter: Optional[str] = None
    tags: dict = field(default_factory=dict)

    @property
    def snapshot(self):
        return "snap-" + self.id.removeprefix("ami-")


@dataclass(frozen=True)
class Published:
    """A line of images of a publisher: its owner, the parameter that names the newest, how they are named."""

    alias: str
    owner: str
    parameter: str
    name: str
    architecture: str
    root_device: str
    size: int
    user: str


CANONICAL, DEBIAN, STRANGER = "099720109477", "136693071363", "999988887777"
UBUNTU_PARAMETER = "/aws/service/canonical/ubuntu/server/24.04/stable/current/{}/hvm/ebs-gp3/ami-id"
UBUNTU_NAME = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{}-server-"
LINES = [
    Published("ubuntu-24.04", CANONICAL, UBUNTU_PARAMETER.format("amd64"), UBUNTU_NAME.format("amd64") + "{}",
              "x86_64", "/dev/sda1", 8, "ubuntu"),
    Published("ubuntu-24.04-arm64", CANONICAL, UBUNTU_PARAMETER.format("arm64"), UBUNTU_NAME.format("arm64") + "{}",
              "arm64", "/dev/sda1", 8, "ubuntu"),
    Published("debian-12", DEBIAN, "/aws/service/debian/release/12/latest/amd64", "debian-12-amd64-{}-1999",
              "x86_64", "/dev/xvda", 8, "admin"),
    Published("debian-12-arm64", DEBIAN, "/aws/service/debian/release/12/latest/arm64", "debian-12-arm64-{}-1999",
              "arm64", "/dev/xvda", 8, "admin"),
]  # fmt: skip
FIRST_DATES = ("20260601", "20260715")


def image_id(*parts):
    return "ami-0" + hashlib.sha256(":".join(parts).encode()).hexdigest()[:16]


def published(region, line, date):
    return Image(
        id=image_id(region, line.alias, date),
        name=line.name.format(date),
        owner=line.owner,
        architecture=line.architecture,
        root_device=line.root_device,
        size=line.size,
        created=f"{date[:4]}-{date[4:6]}-{date[6:]}T06:00:00.000Z",
        user=line.user,
        alias=line.alias,
        parameter=line.parameter,
    )


def first_images(region):
    """What is there at first: two of each line, and a stranger's newer one of the same name as Ubuntu's."""
    found = [published(region, line, date) for line in LINES for date in FIRST_DATES]
    for line in (LINES[0], LINES[2]):
        hostile = published(region, line, "20260901")
        hostile.id, hostile.owner, hostile.parameter = image_id(region, "hostile", line.alias), STRANGER, None
        hostile.alias = "hostile"
        found.append(hostile)
    return found


def newest(images, alias):
    lines = [image for image in images if image.alias == alias and image.state == "available"]
    return max(lines, key=lambda image: image.created, default=None)


def zones(region):
    return [region + letter for letter in ZONE_LETTERS]


def zone_id(zone):
    """Ids do not follow names: AWS shuffles these for each account."""
    short = {"eu-central-1": "euc1", "eu-west-1": "euw1", "us-east-1": "use1", "us-west-2": "usw2"}
    return f"{short.get(zone[:-1], 'euc2')}-az{(ZONE_LETTERS.index(zone[-1]) + 1) % 3 + 1}"


def offers(settings, zone, type_name):
    patterns = settings.lacking.get(zone, settings.lacking.get(zone[-1], []))
    return not any(fnmatch.fnmatchcase(type_name, pattern) for pattern in patterns)
