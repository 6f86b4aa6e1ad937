"""What the account has: regions, zones, VPCs, images, types, volumes, addresses, tags, parameters, quotas, prices."""

import json

from ..ec2 import catalog
from .bench import REGION, StandInTest, client, control


class Places(StandInTest):
    def test_regions_and_zones(self):
        regions = self.ec2.describe_regions()["Regions"]
        self.assertIn(REGION, [region["RegionName"] for region in regions])
        everything = self.ec2.describe_regions(AllRegions=True)["Regions"]
        self.assertEqual(len(everything), len(regions) + 1)
        zones = self.ec2.describe_availability_zones(Filters=[{"Name": "state", "Values": ["available"]}])
        self.assertEqual(
            [zone["ZoneName"] for zone in zones["AvailabilityZones"]], [REGION + letter for letter in "abc"]
        )
        self.assertNotIn("euc1-az1", [zones["AvailabilityZones"][0]["ZoneId"]])

    def test_the_default_vpc(self):
        vpc = self.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        subnets = self.ec2.describe_subnets(
            Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default-for-az", "Values": ["true"]}]
        )["Subnets"]
        self.assertEqual(len({subnet["AvailabilityZone"] for subnet in subnets}), 3)
        tables = self.ec2.describe_route_tables(
            Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
        )["RouteTables"]
        self.assertTrue(tables[0]["Routes"][1]["GatewayId"].startswith("igw-"))
        self.refused(
            "DefaultSubnetAlreadyExistsInAvailabilityZone",
            self.ec2.create_default_subnet,
            AvailabilityZone=REGION + "a",
        )

    def test_a_default_subnet_that_is_gone(self):
        region = self.cloud.region(REGION)
        region.subnets.remove(region.subnets.all()[1])
        made = self.ec2.create_default_subnet(AvailabilityZone=REGION + "b")["Subnet"]
        self.assertTrue(made["DefaultForAz"])
        self.cloud.regions[REGION].vpcs.all()[0].is_default = False
        self.refused("DefaultVpcDoesNotExist", self.ec2.create_default_subnet, AvailabilityZone=REGION + "b")

    def test_accounts_regions_are_apart(self):
        self.ec2.create_security_group(GroupName="g", Description="d")
        self.assertEqual(len(client("ec2", region="us-east-1").describe_security_groups()["SecurityGroups"]), 1)


class Offers(StandInTest):
    def images(self, **asked):
        return self.ec2.describe_images(**asked)["Images"]

    def test_images_by_owner(self):
        named = [{"Name": "name", "Values": ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"]}]
        ours = self.images(Owners=["099720109477"], Filters=named)
        anybody = self.images(Filters=named)
        self.assertEqual(len(anybody), len(ours) + 1)
        newest = max(anybody, key=lambda image: image["CreationDate"])
        self.assertEqual(newest["OwnerId"], catalog.STRANGER)
        disk = ours[0]["BlockDeviceMappings"][0]
        self.assertEqual((ours[0]["RootDeviceName"], disk["Ebs"]["VolumeSize"]), ("/dev/sda1", 8))
        self.assertEqual(self.images(Owners=["self"]), [])
        self.refused("InvalidAMIID.NotFound", self.ec2.describe_images, ImageIds=["ami-0123456789abcdef0"])

    def test_images_by_parameter(self):
        ssm = client("ssm")
        name = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
        value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        self.assertEqual(value, self.image().id)
        control(publish_image={"region": REGION, "image": "ubuntu-24.04", "date": "20260808"})
        self.assertNotEqual(ssm.get_parameter(Name=name)["Parameter"]["Value"], value)
        control(set={"ssm_missing": ["/aws/service/canonical/*"]})
        self.refused("ParameterNotFound", ssm.get_parameter, Name=name)
        ssm.get_parameter(Name="/aws/service/debian/release/12/latest/arm64")

    def test_types(self):
        free = self.ec2.describe_instance_types(Filters=[{"Name": "free-tier-eligible", "Values": ["true"]}])
        names = {one["InstanceType"] for one in free["InstanceTypes"]}
        self.assertEqual(names, {"t3.micro", "t3.small", "t4g.micro", "t4g.small", "c7i-flex.large", "m7i-flex.large"})
        one = self.ec2.describe_instance_types(InstanceTypes=["t2.large"])["InstanceTypes"][0]
        self.assertEqual((one["Hypervisor"], one["VCpuInfo"]["DefaultVCpus"]), ("xen", 2))
        self.refused("InvalidInstanceType", self.ec2.describe_instance_types, InstanceTypes=["x9.large"])
        where = self.ec2.describe_instance_type_offerings(
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": ["t3.small"]}]
        )
        self.assertEqual([o["Location"] for o in where["InstanceTypeOfferings"]], [REGION + "a", REGION + "b"])
        spot = self.ec2.describe_spot_price_history(InstanceTypes=["t3.small"], ProductDescriptions=["Linux/UNIX"])
        self.assertEqual(len(spot["SpotPriceHistory"]), 2)

    def test_quota_and_price(self):
        control(set={"vcpus": 5})
        quota = client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")
        self.assertEqual(quota["Quota"]["Value"], 5.0)
        pricing = client("pricing", region="us-east-1")
        wanted = {
            "instanceType": "t3.small", "regionCode": REGION, "operatingSystem": "Linux", "tenancy": "Shared",
            "preInstalledSw": "NA", "capacitystatus": "Used",
        }  # fmt: skip
        filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
        products = pricing.get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"]
        self.assertEqual(len(products), 1)
        term = next(iter(json.loads(products[0])["terms"]["OnDemand"].values()))
        self.assertEqual(float(next(iter(term["priceDimensions"].values()))["pricePerUnit"]["USD"]), 0.024)
        self.refused(
            "InvalidSignatureException", client("pricing", region="eu-west-1").get_products, ServiceCode="AmazonEC2"
        )


class Things(StandInTest):
    def test_a_volume_grows_and_never_shrinks(self):
        name = self.launch()["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        modify = self.ec2.modify_volume
        self.refused("InvalidParameterValue", modify, VolumeId=name, Size=4)
        self.refused("InvalidVolumeModification.NotFound", self.ec2.describe_volumes_modifications, VolumeIds=[name])
        begun = modify(VolumeId=name, Size=40)["VolumeModification"]
        self.assertEqual((begun["ModificationState"], begun["OriginalSize"], begun["TargetSize"]), ("modifying", 8, 40))
        self.refused("IncorrectModificationState", modify, VolumeId=name, Size=50)

        def now():
            return self.ec2.describe_volumes_modifications(VolumeIds=[name])["VolumesModifications"][0][
                "ModificationState"
            ]

        self.until(now, "optimizing")
        self.assertEqual(self.ec2.describe_volumes(VolumeIds=[name])["Volumes"][0]["Size"], 40)
        self.until(now, "completed")
        for size in 41, 42, 43:
            modify(VolumeId=name, Size=size)
            self.until(now, "completed")
        self.refused("VolumeModificationRateExceeded", modify, VolumeId=name, Size=44)

    def test_addresses(self):
        tags = [{"ResourceType": "elastic-ip", "Tags": [{"Key": "Name", "Value": "ip"}]}]
        made = self.ec2.allocate_address(Domain="vpc", TagSpecifications=tags)
        name = self.launch()["InstanceId"]
        self.wait(name, "running")
        tied = self.ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=name)["AssociationId"]
        again = self.ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=name)["AssociationId"]
        self.assertEqual(tied, again)
        one = self.instance(name)
        self.assertEqual(one["PublicIpAddress"], made["PublicIp"])
        self.assertNotEqual(one["NetworkInterfaces"][0]["Association"]["IpOwnerId"], "amazon")
        self.refused("InvalidIPAddress.InUse", self.ec2.release_address, AllocationId=made["AllocationId"])
        self.ec2.stop_instances(InstanceIds=[name])
        self.assertEqual(self.wait(name, "stopped")["PublicIpAddress"], made["PublicIp"])
        other = self.launch()["InstanceId"]
        self.refused(
            "Resource.AlreadyAssociated", self.ec2.associate_address, AllocationId=made["AllocationId"],
            InstanceId=other, AllowReassociation=False,
        )  # fmt: skip
        self.ec2.disassociate_address(AssociationId=tied)
        self.refused("InvalidAssociationID.NotFound", self.ec2.disassociate_address, AssociationId=tied)
        self.ec2.release_address(AllocationId=made["AllocationId"])
        self.refused("InvalidAllocationID.NotFound", self.ec2.release_address, AllocationId=made["AllocationId"])
        for _ in range(5):
            self.ec2.allocate_address(Domain="vpc")
        self.refused("AddressLimitExceeded", self.ec2.allocate_address, Domain="vpc")

    def test_tags(self):
        name = self.launch()["InstanceId"]
        self.ec2.create_tags(Resources=[name], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
        self.ec2.create_tags(Resources=[name], Tags=[{"Key": "a", "Value": "2"}])
        found = self.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [name]}])["Tags"]
        self.assertEqual({tag["Key"]: tag["Value"] for tag in found}, {"a": "2", "b": ""})
        self.ec2.delete_tags(Resources=[name], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
        self.assertEqual(self.instance(name)["Tags"], [{"Key": "a", "Value": "2"}])
        create = self.ec2.create_tags
        self.refused("InvalidParameterValue", create, Resources=[name], Tags=[{"Key": "aws:x", "Value": ""}])
        self.refused("InvalidParameterValue", create, Resources=[name], Tags=[{"Key": "k" * 129, "Value": ""}])
        self.refused("InvalidParameterValue", create, Resources=[name], Tags=[{"Key": "k", "Value": "v" * 257}])
        self.refused(
            "TagLimitExceeded", create, Resources=[name], Tags=[{"Key": str(i), "Value": ""} for i in range(50)]
        )
        self.refused("InvalidID", create, Resources=["x-1"], Tags=[{"Key": "a", "Value": ""}])
