"""Instances: states, stop and start, attributes, console, pages."""

import base64

from .bench import StandInTest, control, state

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"


class States(StandInTest):
    def up(self, **parameters):
        return self.wait(self.launch(**parameters)["InstanceId"], "running")

    def test_stop_and_start_change_the_public_address_alone(self):
        first = self.up()
        name = first["InstanceId"]
        answer = self.ec2.stop_instances(InstanceIds=[name])["StoppingInstances"][0]
        self.assertEqual((answer["PreviousState"]["Name"], answer["CurrentState"]["Code"]), ("running", 64))
        self.refused("IncorrectInstanceState", self.ec2.start_instances, InstanceIds=[name])
        off = self.wait(name, "stopped")
        self.assertNotIn("PublicIpAddress", off)
        self.assertEqual(off["StateReason"]["Code"], "Client.UserInitiatedShutdown")
        self.assertRegex(off["StateTransitionReason"], r"^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)$")
        again = self.ec2.stop_instances(InstanceIds=[name])["StoppingInstances"][0]
        self.assertEqual(again["CurrentState"], again["PreviousState"])
        self.ec2.start_instances(InstanceIds=[name])
        second = self.wait(name, "running")
        self.assertNotEqual(second["PublicIpAddress"], first["PublicIpAddress"])
        self.assertEqual(second["PrivateIpAddress"], first["PrivateIpAddress"])
        self.assertNotIn("StateReason", second)

    def test_the_end(self):
        one = self.up()
        name = one["InstanceId"]
        self.ec2.terminate_instances(InstanceIds=[name])
        gone = self.wait(name, "terminated")
        self.assertFalse({"PublicIpAddress", "VpcId", "SubnetId"} & set(gone))
        self.assertEqual((gone["SecurityGroups"], gone["BlockDeviceMappings"]), ([], []))
        self.ec2.terminate_instances(InstanceIds=[name])
        for operation in (self.ec2.start_instances, self.ec2.stop_instances, self.ec2.reboot_instances):
            self.refused("IncorrectInstanceState", operation, InstanceIds=[name])
        self.assertEqual(self.ec2.describe_volumes()["Volumes"], [])
        control(set={"terminated_seconds": 0})
        self.until(lambda: self.ec2.describe_instances()["Reservations"], [])

    def test_pending_cannot_be_stopped_but_ended(self):
        control(set={"start_seconds": 5})
        name = self.launch()["InstanceId"]
        self.refused("IncorrectInstanceState", self.ec2.stop_instances, InstanceIds=[name])
        self.ec2.terminate_instances(InstanceIds=[name])
        self.wait(name, "terminated")

    def test_all_or_none(self):
        one = self.up()["InstanceId"]
        self.refused("InvalidInstanceID.NotFound", self.ec2.stop_instances, InstanceIds=[one, "i-0123456789abcdef0"])
        self.refused("InvalidInstanceID.Malformed", self.ec2.stop_instances, InstanceIds=[one, "i-1"])
        self.assertEqual(self.instance(one)["State"]["Name"], "running")

    def test_protection(self):
        name = self.up(DisableApiTermination=True)["InstanceId"]
        self.refused("OperationNotPermitted", self.ec2.terminate_instances, InstanceIds=[name])
        self.ec2.modify_instance_attribute(InstanceId=name, DisableApiTermination={"Value": False})
        self.ec2.terminate_instances(InstanceIds=[name])

    def test_a_reboot_keeps_it_running(self):
        one = self.up()
        self.ec2.reboot_instances(InstanceIds=[one["InstanceId"]])
        self.assertEqual(self.instance(one["InstanceId"])["PublicIpAddress"], one["PublicIpAddress"])

    def test_switched_off_from_inside(self):
        for behaviour, wanted in ("stop", "stopped"), ("terminate", "terminated"):
            name = self.up(InstanceInitiatedShutdownBehavior=behaviour)["InstanceId"]
            control(power_off=name)
            off = self.wait(name, wanted)
            self.assertEqual(off["StateReason"]["Code"], "Client.InstanceInitiatedShutdown")

    def test_start_may_find_no_room(self):
        name = self.up()["InstanceId"]
        self.ec2.stop_instances(InstanceIds=[name])
        self.wait(name, "stopped")
        control(set={"capacity": {"*": {"t3.small": 0}}})
        self.refused("InsufficientInstanceCapacity", self.ec2.start_instances, InstanceIds=[name])
        control(set={"capacity": {}, "vcpus": 1})
        self.refused("VcpuLimitExceeded", self.ec2.start_instances, InstanceIds=[name])

    def test_one_time_spot_cannot_be_stopped(self):
        name = self.up(InstanceMarketOptions={"MarketType": "spot"})["InstanceId"]
        self.assertEqual(self.instance(name)["InstanceLifecycle"], "spot")
        self.refused("UnsupportedOperation", self.ec2.stop_instances, InstanceIds=[name])


class Attributes(StandInTest):
    def setUp(self):
        super().setUp()
        self.name = self.launch(UserData="hello")["InstanceId"]
        self.wait(self.name, "running")

    def attribute(self, name):
        return self.ec2.describe_instance_attribute(InstanceId=self.name, Attribute=name)

    def modify(self, **parameters):
        return self.ec2.modify_instance_attribute(InstanceId=self.name, **parameters)

    def test_read(self):
        self.assertEqual(base64.b64decode(self.attribute("userData")["UserData"]["Value"]), b"hello")
        self.assertEqual(
            self.attribute("instanceInitiatedShutdownBehavior")["InstanceInitiatedShutdownBehavior"]["Value"], "stop"
        )
        self.assertFalse(self.attribute("disableApiTermination")["DisableApiTermination"]["Value"])

    def test_one_a_call(self):
        self.refused("InvalidParameterCombination", self.modify)
        self.refused(
            "InvalidParameterCombination", self.modify, EbsOptimized={"Value": True}, InstanceType={"Value": "t3.micro"}
        )

    def test_what_only_a_stopped_one_takes(self):
        self.refused("IncorrectInstanceState", self.modify, InstanceType={"Value": "t3.micro"})
        self.refused("IncorrectInstanceState", self.modify, UserData={"Value": b"other"})
        self.ec2.stop_instances(InstanceIds=[self.name])
        self.wait(self.name, "stopped")
        self.modify(InstanceType={"Value": "t3.micro"})
        self.modify(UserData={"Value": b"other"})
        self.assertEqual(self.instance(self.name)["InstanceType"], "t3.micro")
        self.assertEqual(base64.b64decode(self.attribute("userData")["UserData"]["Value"]), b"other")
        self.refused("InvalidParameterCombination", self.modify, InstanceType={"Value": "t4g.micro"})

    def test_groups_are_replaced(self):
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        self.modify(Groups=[group])
        self.assertEqual([g["GroupId"] for g in self.instance(self.name)["SecurityGroups"]], [group])
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=group)
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])
        self.assertEqual(found["NetworkInterfaces"][0]["Attachment"]["InstanceId"], self.name)

    def test_metadata_options(self):
        answer = self.ec2.modify_instance_metadata_options(InstanceId=self.name, HttpTokens="required")
        self.assertEqual(answer["InstanceMetadataOptions"]["State"], "pending")
        self.until(lambda: self.instance(self.name)["MetadataOptions"]["State"], "applied")
        self.assertEqual(self.instance(self.name)["MetadataOptions"]["HttpTokens"], "required")


class Console(StandInTest):
    def test_host_keys_of_the_user_data(self):
        data = f"#cloud-config\nssh_keys:\n  ed25519_public: {HOST_KEY} host\n"
        name = self.launch(UserData=data)["InstanceId"]
        self.wait(name, "running")
        text = self.ec2.get_console_output(InstanceId=name, Latest=True)["Output"]
        self.assertIn("-----BEGIN SSH HOST KEY KEYS-----\n" + HOST_KEY, text)
        self.assertIn("SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8 ", text)

    def test_late_given_and_latest(self):
        control(set={"console_seconds": 60})
        name = self.launch(InstanceType="t2.large")["InstanceId"]
        self.assertNotIn("Output", self.ec2.get_console_output(InstanceId=name))
        self.refused("UnsupportedOperation", self.ec2.get_console_output, InstanceId=name, Latest=True)
        control(console={name: "hello\n"})
        self.assertEqual(self.ec2.get_console_output(InstanceId=name)["Output"], "hello\n")


class Pages(StandInTest):
    def test_pages(self):
        names = {self.launch(InstanceType="t3.micro")["InstanceId"] for _ in range(7)}
        seen, token, count = [], {}, 0
        while True:
            answer = self.ec2.describe_instances(MaxResults=5, **token)
            seen += [i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]]
            count += 1
            if "NextToken" not in answer:
                break
            token = {"NextToken": answer["NextToken"]}
        self.assertEqual((count, set(seen), len(seen)), (2, names, 7))
        self.refused("InvalidParameterCombination", self.ec2.describe_instances, MaxResults=5, InstanceIds=[seen[0]])
        self.refused("InvalidNextToken", self.ec2.describe_instances, NextToken="bm8=")
        for size in 4, 1001:
            self.refused("InvalidParameterValue", self.ec2.describe_instances, MaxResults=size)

    def test_filters(self):
        tag = [{"ResourceType": "instance", "Tags": [{"Key": "mlops-agent:id", "Value": "a*b"}]}]
        one = self.launch(TagSpecifications=tag)["InstanceId"]
        two = self.launch(InstanceType="t3.micro")["InstanceId"]

        def found(**filters):
            asked = [{"Name": n.replace("__", ":").replace("_", "-"), "Values": v} for n, v in filters.items()]
            answer = self.ec2.describe_instances(Filters=asked)
            return {i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]}

        self.assertEqual(found(instance_type=["t3.micro", "t3.small"]), {one, two})
        self.assertEqual(found(instance_type=["t3.m*"]), {two})
        self.assertEqual(found(instance_type=["t?.small"], instance_state_name=["pending", "running"]), {one})
        self.assertEqual(found(instance_type=["T3.SMALL"]), set())
        self.assertEqual(found(tag_key=["mlops-agent:id"]), {one})
        for value, wanted in ("a*b", {one}), (r"a\*b", {one}), (r"a\*c", set()), ("a?b", {one}):
            answer = self.ec2.describe_instances(Filters=[{"Name": "tag:mlops-agent:id", "Values": [value]}])
            self.assertEqual({i["InstanceId"] for r in answer["Reservations"] for i in r["Instances"]}, wanted)
        self.refused("InvalidParameterValue", found, nonsense=["x"])
        self.refused("FilterLimitExceeded", found, instance_type=[str(i) for i in range(201)])

    def test_status(self):
        name = self.launch()["InstanceId"]
        self.assertEqual(self.ec2.describe_instance_status()["InstanceStatuses"], [])
        all_of_them = self.ec2.describe_instance_status(InstanceIds=[name], IncludeAllInstances=True)
        self.assertEqual(all_of_them["InstanceStatuses"][0]["InstanceState"]["Name"], "pending")
        self.wait(name, "running")
        self.until(lambda: self.ec2.describe_instance_status()["InstanceStatuses"][0]["InstanceStatus"]["Status"], "ok")
        self.assertEqual(len(state()["instances"]), 1)
