"""The state of one region of the account, and what each region has at first."""

import itertools
from dataclasses import dataclass, field

from . import catalog
from .table import Table, new_id


@dataclass
class Vpc:
    id: str
    cidr: str
    is_default: bool
    tags: dict = field(default_factory=dict)


@dataclass
class Subnet:
    id: str
    vpc: str
    zone: str
    cidr: str
    is_default: bool
    public: bool  # mapPublicIpOnLaunch
    used: int = 0
    tags: dict = field(default_factory=dict)


@dataclass
class RouteTable:
    """gateway: of 0.0.0.0/0; main: of the VPC's subnets that have none of their own."""

    id: str
    vpc: str
    gateway: str
    main: bool = True
    subnets: list = field(default_factory=list)
    tags: dict = field(default_factory=dict)


class Region:
    def __init__(self, cloud, name):
        self.cloud, self.name = cloud, name

        def table(prefix, code, words, malformed=None):
            return Table(self, prefix, (code, words), malformed)

        self.vpcs = table("vpc", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist", "InvalidVpcId.Malformed")
        self.subnets = table("subnet", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist",
                             "InvalidSubnetId.Malformed")  # fmt: skip
        self.route_tables = table("rtb", "InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist",
                                  "InvalidRouteTableId.Malformed")  # fmt: skip
        self.images = table("ami", "InvalidAMIID.NotFound", "The image id '[{}]' does not exist",
                            "InvalidAMIID.Malformed")  # fmt: skip
        self.key_pairs = table("key", "InvalidKeyPair.NotFound", "The key pair ID '{}' does not exist",
                               "InvalidKeyPair.Format")  # fmt: skip
        self.groups = table("sg", "InvalidGroup.NotFound", "The security group '{}' does not exist",
                            "InvalidGroupId.Malformed")  # fmt: skip
        self.rules = table("sgr", "InvalidSecurityGroupRuleId.NotFound",
                           "The security group rule ID '{}' does not exist",
                           "InvalidSecurityGroupRuleId.Malformed")  # fmt: skip
        self.instances = table("i", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist",
                               "InvalidInstanceID.Malformed")  # fmt: skip
        self.volumes = table("vol", "InvalidVolume.NotFound", "The volume '{}' does not exist.",
                             "InvalidParameterValue")  # fmt: skip
        self.addresses = table("eipalloc", "InvalidAllocationID.NotFound",
                               "The allocation ID '{}' does not exist", "InvalidAllocationID.NotFound")  # fmt: skip
        self.interfaces = table("eni", "InvalidNetworkInterfaceID.NotFound",
                                "The networkInterface ID '{}' does not exist",
                                "InvalidNetworkInterfaceId.Malformed")  # fmt: skip
        # (zone or "", ClientToken) to launch.Token; see launch.py.
        self.tokens = {}
        self.numbers = itertools.count(1)
        for image in catalog.first_images(name):
            self.images.add(image)
        if cloud.settings.default_vpc:
            self.make_default_vpc()
        for one in (self.vpcs, self.subnets, self.route_tables, self.images, self.groups, self.rules):
            one.backdate()

    @property
    def zones(self):
        return catalog.zones(self.name)

    @property
    def default_vpc(self):
        return next((vpc for vpc in self.vpcs.all() if vpc.is_default), None)

    def make_default_vpc(self):
        from .groups import make_default_group

        vpc = self.vpcs.add(Vpc(new_id("vpc"), "172.31.0.0/16", True))
        self.route_tables.add(RouteTable(new_id("rtb"), vpc.id, new_id("igw")))
        for zone in self.zones:
            self.make_default_subnet(vpc, zone)
        make_default_group(self, vpc)
        return vpc

    def make_default_subnet(self, vpc, zone):
        cidr = f"172.31.{16 * self.zones.index(zone)}.0/20"
        return self.subnets.add(Subnet(new_id("subnet"), vpc.id, zone, cidr, True, True))

    def newest_image(self, alias):
        return catalog.newest(self.images.all(), alias)

    def publish_image(self, alias, date):
        """A newer image of a line (AWS does so about weekly); its parameter names it from now on."""
        line = next(line for line in catalog.LINES if line.alias == alias)
        return self.images.add(catalog.published(self.name, line, date))
