"""RunInstances: its checks, its ClientToken, capacity, quota, free tier."""

import base64

from .bench import REGION, StandInTest, control, form, state


class Launch(StandInTest):
    def test_an_instance_comes_up(self):
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        made = self.launch(
            SecurityGroupIds=[group], UserData=base64.b64encode(b"#cloud-config\n").decode(), ClientToken="t1",
            MetadataOptions={"HttpTokens": "required"},
            TagSpecifications=[
                {"ResourceType": kind, "Tags": [{"Key": "Name", "Value": kind}]}
                for kind in ("instance", "volume", "network-interface")
            ],
            BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 30, "VolumeType": "gp3"}}],
        )  # fmt: skip
        self.assertEqual(made["State"], {"Code": 0, "Name": "pending"})
        self.assertNotIn("PublicIpAddress", made)
        self.assertEqual(made["MetadataOptions"]["HttpTokens"], "required")
        up = self.wait(made["InstanceId"], "running")
        self.assertRegex(up["PublicIpAddress"], r"^127\.1")
        self.assertEqual(up["NetworkInterfaces"][0]["Association"]["IpOwnerId"], "amazon")
        self.assertEqual(up["SecurityGroups"], [{"GroupId": group, "GroupName": "g"}])
        self.assertEqual(up["Tags"], [{"Key": "Name", "Value": "instance"}])
        volume = up["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
        disk = self.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]
        self.assertEqual((disk["Size"], disk["Tags"][0]["Value"], disk["State"]), (30, "volume", "in-use"))
        self.assertEqual(len(up["BlockDeviceMappings"]), 1)

    def test_a_mapping_of_another_name_is_a_second_disk(self):
        made = self.launch(BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 30}}])
        self.assertEqual(len(made["BlockDeviceMappings"]), 2)

    def test_what_is_refused(self):
        interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": True}
        subnet = self.subnet(REGION + "a")
        credits = {"CpuCredits": "standard"}
        small = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 7}}]

        def tagged(kind, key):
            return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": ""}]}]

        cases = [
            ("InvalidAMIID.Malformed", {"ImageId": "ubuntu"}),
            ("InvalidAMIID.NotFound", {"ImageId": "ami-0123456789abcdef0"}),
            ("InvalidParameterValue", {"InstanceType": "t9.huge"}),
            ("InvalidParameterValue", {"InstanceType": "t4g.small"}),
            ("InvalidParameterValue", {"MinCount": 2}),
            ("InvalidParameterValue", {"MinCount": 0}),
            ("InvalidKeyPair.NotFound", {"KeyName": "none"}),
            ("InvalidSubnetID.NotFound", {"SubnetId": "subnet-0123456789abcdef0"}),
            ("InvalidGroup.NotFound", {"SecurityGroupIds": ["sg-0123456789abcdef0"]}),
            ("InvalidParameterCombination", {"NetworkInterfaces": [interface], "SubnetId": subnet}),
            ("InvalidParameterCombination", {"NetworkInterfaces": [interface], "SecurityGroupIds": ["sg-0"]}),
            ("InvalidBlockDeviceMapping", {"BlockDeviceMappings": small}),
            ("InvalidParameterValue", {"ClientToken": "x" * 65}),
            ("InvalidParameterValue", {"MetadataOptions": {"HttpPutResponseHopLimit": 65}}),
            ("InvalidParameterValue", {"TagSpecifications": tagged("spot-instances-request", "a")}),
            ("InvalidParameterValue", {"TagSpecifications": tagged("instance", "aws:a")}),
            ("InvalidParameterValue", {"IamInstanceProfile": {"Name": "none"}}),
            ("InvalidParameterCombination", {"InstanceType": "m5.large", "CreditSpecification": credits}),
            ("DryRunOperation", {"DryRun": True}),
        ]  # fmt: skip
        for code, parameters in cases:
            with self.subTest(code=code, parameters=str(parameters)[:80]):
                self.refused(code, self.launch, **parameters)
        # botocore makes base64 of user data itself: these are sent by hand.
        for code, data in ("InvalidUserData.Malformed", "***"), (
            "InvalidParameterValue",
            base64.b64encode(b"x" * 16385).decode(),
        ):
            plain = {"ImageId": self.image().id, "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
            self.raw_refused(code, form("RunInstances", **plain, UserData=data))
        self.assertEqual(state()["instances"], [])

    def test_free_plan(self):
        control(set={"free_plan": True})
        message = self.refused("InvalidParameterCombination", self.launch, InstanceType="t2.micro")
        self.assertEqual(
            message,
            "The specified instance type is not eligible for Free Tier. For a list of Free Tier instance types, run "
            "'describe-instance-types' with the filter 'free-tier-eligible=true'.",
        )
        self.launch(InstanceType="t3.micro")

    def test_zones_that_lack_a_type_and_capacity(self):
        message = self.refused("Unsupported", self.launch, SubnetId=self.subnet(REGION + "c"))
        self.assertIn("is not supported in your requested Availability Zone (eu-central-1c)", message)
        control(set={"capacity": {REGION + "a": {"t3.*": 1}}})
        subnet = self.subnet(REGION + "a")
        self.launch(SubnetId=subnet)
        message = self.refused("InsufficientInstanceCapacity", self.launch, SubnetId=subnet)
        self.assertIn("We currently do not have sufficient t3.small capacity", message)
        self.assertEqual(self.launch()["Placement"]["AvailabilityZone"], REGION + "b")

    def test_quota(self):
        control(set={"vcpus": 4})
        self.launch()
        self.launch()
        message = self.refused("VcpuLimitExceeded", self.launch)
        self.assertIn("current vCPU limit of 4 allows", message)

    def test_no_default_vpc(self):
        self.cloud.change({"default_vpc": False})
        self.refused("VPCIdNotSpecified", self.launch)
        self.ec2.create_default_vpc()
        self.refused("DefaultVpcAlreadyExists", self.ec2.create_default_vpc)
        self.launch()

    def test_pending_verification(self):
        control(set={"unverified": True})
        self.refused("PendingVerification", self.launch)

    def test_resolve_ssm(self):
        name = "resolve:ssm:/aws/service/debian/release/12/latest/amd64"
        self.assertEqual(self.launch(ImageId=name)["ImageId"], self.image("debian-12").id)


class Tokens(StandInTest):
    def test_the_same_request_is_the_same_instance(self):
        first = self.launch(ClientToken="t")
        again = self.launch(ClientToken="t")
        self.assertEqual(first["InstanceId"], again["InstanceId"])
        self.wait(first["InstanceId"], "running")
        self.assertEqual(self.launch(ClientToken="t")["State"]["Name"], "running")
        self.assertEqual(len(state()["instances"]), 1)
        self.assertNotEqual(self.launch(ClientToken="T")["InstanceId"], first["InstanceId"])

    def test_another_request_with_the_token(self):
        self.launch(ClientToken="t")
        self.refused("IdempotentParameterMismatch", self.launch, ClientToken="t", InstanceType="t3.micro")
        self.refused("IdempotentParameterMismatch", self.launch, ClientToken="t", UserData="x")

    def test_a_token_is_taken_even_where_there_was_no_room(self):
        control(set={"capacity": {"*": {"t3.small": 0}}})
        self.refused("InsufficientInstanceCapacity", self.launch, ClientToken="t")
        self.refused("IdempotentParameterMismatch", self.launch, ClientToken="t", InstanceType="t3.micro")
        control(set={"capacity": {}})
        self.launch(ClientToken="t")
        self.assertEqual(len(state()["instances"]), 1)

    def test_the_token_of_a_terminated_instance(self):
        made = self.launch(ClientToken="t")["InstanceId"]
        self.ec2.terminate_instances(InstanceIds=[made])
        self.refused("IdempotentInstanceTerminated", self.launch, ClientToken="t")
        self.wait(made, "terminated")
        self.refused("IdempotentInstanceTerminated", self.launch, ClientToken="t")
        self.refused("IdempotentParameterMismatch", self.launch, ClientToken="t", InstanceType="t3.micro")

    def test_tokens_are_zonal_where_the_request_is(self):
        first = self.launch(ClientToken="t", SubnetId=self.subnet(REGION + "a"))
        second = self.launch(ClientToken="t", SubnetId=self.subnet(REGION + "b"))
        third = self.launch(ClientToken="t")
        self.assertEqual(len({one["InstanceId"] for one in (first, second, third)}), 3)
        again = self.launch(ClientToken="t", SubnetId=self.subnet(REGION + "b"))
        self.assertEqual(again["InstanceId"], second["InstanceId"])

    def test_a_repeat_needs_nothing_that_the_first_needed(self):
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        name = self.launch(ClientToken="t", SecurityGroupIds=[group])["InstanceId"]
        other = self.ec2.create_security_group(GroupName="h", Description="d")["GroupId"]
        self.ec2.modify_instance_attribute(InstanceId=name, Groups=[other])
        self.ec2.delete_security_group(GroupId=group)
        control(set={"free_plan": True, "vcpus": 0})
        self.assertEqual(self.launch(ClientToken="t", SecurityGroupIds=[group])["InstanceId"], name)

    def test_found_by_token(self):
        made = self.launch(ClientToken="t")
        self.launch(ClientToken="u")
        found = self.ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["t"]}])
        self.assertEqual([r["Instances"][0]["InstanceId"] for r in found["Reservations"]], [made["InstanceId"]])

    def test_without_a_token_each_is_another(self):
        self.assertNotEqual(self.launch()["InstanceId"], self.launch()["InstanceId"])
