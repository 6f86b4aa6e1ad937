"""Trouble: faults, reads that are behind, lists in disorder, and machines that a launcher starts."""

import http.client
import json
import sys
import tempfile
import time
from pathlib import Path

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from ..cloud import Cloud
from .bench import QUICK, StandInTest, calls, client, control, form, server, signed, state

LOST = (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError)


class Faults(StandInTest):
    def test_a_lost_reply(self):
        control(fault={"action": "RunInstances", "kind": "lost_reply"})
        with self.assertRaises(LOST):
            self.launch(ClientToken="t")
        self.assertEqual(len(state()["instances"]), 1)
        again = self.launch(ClientToken="t")["InstanceId"]
        self.assertEqual([one["id"] for one in state()["instances"]], [again])
        self.assertEqual([entry["outcome"] for entry in calls()], ["lost_reply", "ok"])

    def test_a_lost_request(self):
        control(fault={"action": "RunInstances", "kind": "lost_request"})
        with self.assertRaises(LOST):
            self.launch()
        self.assertFalse(server().cloud.regions.get("eu-central-1").instances.all())

    def test_half_a_reply(self):
        control(fault={"action": "DescribeVpcs", "kind": "half_reply"})
        with self.assertRaises(http.client.IncompleteRead):
            signed(form("DescribeVpcs"))

    def test_throttling_by_service(self):
        control(fault={"kind": "throttle", "times": 2, "retry_after": 1500})
        with self.assertRaises(ClientError) as caught:
            self.ec2.describe_vpcs()
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 503)
        self.assertEqual(caught.exception.response["Error"]["Code"], "RequestLimitExceeded")
        headers = caught.exception.response["ResponseMetadata"]["HTTPHeaders"]
        self.assertEqual(headers["x-amz-retry-after"], "1500")
        self.refused("ThrottlingException", client("ssm").get_parameter, Name="x")
        self.ec2.describe_vpcs()

    def test_a_proxys_page_an_empty_answer_a_redirect(self):
        for kind, wanted in ("html", 502), ("empty", 503), ("redirect", 307):
            control(fault={"kind": kind})
            status, body = signed(form("DescribeVpcs"))
            self.assertEqual((status, "<html>" in body), (wanted, kind == "html"))

    def test_any_error_before_or_after(self):
        control(
            fault={"kind": "error", "code": "InternalError", "status": 500, "action": "AllocateAddress", "after": 1}
        )
        self.ec2.allocate_address(Domain="vpc")
        self.refused("InternalError", self.ec2.allocate_address, Domain="vpc")
        control(fault={"kind": "error_after", "code": "Unavailable", "status": 503, "action": "AllocateAddress"})
        self.refused("Unavailable", self.ec2.allocate_address, Domain="vpc")
        self.assertEqual(len(self.ec2.describe_addresses()["Addresses"]), 2)

    def test_slow_and_garbage(self):
        control(fault={"kind": "slow", "seconds": 0.2})
        begun = time.monotonic()
        self.ec2.describe_vpcs()
        self.assertGreater(time.monotonic() - begun, 0.2)
        control(fault={"kind": "garbage"})
        self.assertFalse(signed(form("DescribeVpcs"))[1].endswith(">\n"))

    def test_faults_for_ever_until_cleared(self):
        control(fault={"kind": "throttle", "times": -1})
        for _ in range(3):
            self.refused("RequestLimitExceeded", self.ec2.describe_vpcs)
        control(clear_faults=True)
        self.ec2.describe_vpcs()

    def test_a_wrong_clock_shows_in_the_date(self):
        control(set={"clock_offset": 400})
        self.refused("RequestExpired", self.ec2.describe_vpcs)


class Consistency(StandInTest):
    def names(self):
        found = self.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}])
        return [i["InstanceId"] for r in found["Reservations"] for i in r["Instances"]]

    def test_new_things_are_not_seen_at_first(self):
        control(set={"lag": 0.3})
        name = self.launch(ClientToken="t")["InstanceId"]
        self.assertEqual(self.names(), [])
        self.refused("InvalidInstanceID.NotFound", self.ec2.describe_instances, InstanceIds=[name])
        self.refused(
            "InvalidInstanceID.NotFound", self.ec2.create_tags, Resources=[name], Tags=[{"Key": "a", "Value": ""}]
        )
        self.assertEqual(self.launch(ClientToken="t")["InstanceId"], name)
        self.until(self.names, [name])

    def test_old_states_are_still_seen(self):
        name = self.launch()["InstanceId"]
        self.wait(name, "running")
        control(set={"lag": 0.3})
        time.sleep(0.35)
        self.ec2.stop_instances(InstanceIds=[name])
        self.assertEqual(self.instance(name)["State"]["Name"], "running")
        self.wait(name, "stopped")

    def test_only_references_or_only_reads_lag(self):
        control(set={"lag": 5, "reference_lag": 0})
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        self.refused("InvalidGroup.NotFound", self.ec2.describe_security_groups, GroupIds=[group])
        self.launch(SecurityGroupIds=[group])
        control(set={"lag": 0, "reference_lag": 5})
        other = self.ec2.create_security_group(GroupName="h", Description="d")["GroupId"]
        self.ec2.describe_security_groups(GroupIds=[other])
        self.refused("InvalidGroup.NotFound", self.launch, SecurityGroupIds=[other])

    def test_answers_alternate(self):
        name = self.launch()["InstanceId"]
        control(set={"lag": 30, "alternate": True})
        self.assertEqual({tuple(self.names()) for _ in range(4)}, {(), (name,)})

    def test_disorder(self):
        names = [self.launch(InstanceType="t3.micro")["InstanceId"] for _ in range(6)]
        control(set={"reorder": True, "duplicate": True})
        orders = {tuple(self.names()) for _ in range(5)}
        self.assertGreater(len(orders), 1)
        for order in orders:
            self.assertEqual((len(order), set(order)), (7, set(names)))


LAUNCHER = """
import json, os, sys, time
from pathlib import Path
verb, name, here = sys.argv[1], sys.argv[2], Path(sys.argv[0]).parent
said = json.loads(sys.stdin.read() or "{}") if verb != "wait" else {}
with open(here / "log", "a") as log:
    log.write(json.dumps([verb, name, said]) + "\\n")
if verb == "start":
    if said["name"] == "broken":
        sys.exit("no such image")
    print(json.dumps({"public_ip": "192.0.2." + str(said["boots"]), "console": "booted"}))
elif verb == "wait":
    while not (here / "off").exists():
        time.sleep(0.02)
elif verb not in ("stop", "terminate", "firewall"):
    sys.exit(64)
"""


class Machines(StandInTest):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        launcher = Path(self.folder.name) / "launcher.py"
        launcher.write_text(LAUNCHER)
        server().cloud = self.cloud = Cloud([sys.executable, str(launcher)], QUICK)
        self.addCleanup(self.cloud.machines.end)

    def log(self):
        return [json.loads(line) for line in (Path(self.folder.name) / "log").read_text().splitlines()]

    def named(self, name):
        return [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]

    def test_started_stopped_and_ended(self):
        name = self.launch(UserData="#cloud-config\n", TagSpecifications=self.named("box"))["InstanceId"]
        self.assertEqual(self.wait(name, "running")["PublicIpAddress"], "192.0.2.1")
        self.assertEqual(self.ec2.get_console_output(InstanceId=name)["Output"], "booted")
        self.ec2.stop_instances(InstanceIds=[name])
        self.wait(name, "stopped")
        self.ec2.start_instances(InstanceIds=[name])
        self.assertEqual(self.wait(name, "running")["PublicIpAddress"], "192.0.2.2")
        self.ec2.terminate_instances(InstanceIds=[name])
        self.wait(name, "terminated")
        self.assertEqual(self.ec2.get_console_output(InstanceId=name)["Output"], "booted")
        verbs = [verb for verb, _, _ in self.log() if verb in ("start", "stop", "terminate")]
        self.assertEqual(verbs, ["start", "stop", "start", "terminate"])
        said = self.log()[0][2]
        self.assertEqual((said["name"], said["user_data"], said["image"]["user"]), ("box", "#cloud-config\n", "ubuntu"))

    def test_the_groups_rules_reach_it(self):
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.7/32"}]}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ssh])
        name = self.launch(SecurityGroupIds=[group])["InstanceId"]
        self.wait(name, "running")
        self.assertEqual(
            self.log()[0][2]["ingress"], [{"protocol": "tcp", "from": 22, "to": 22, "cidr": "203.0.113.7/32"}]
        )
        self.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[ssh])
        self.until(lambda: [said for verb, _, said in self.log() if verb == "firewall"], [{"ingress": []}])

    def test_switched_off_by_itself(self):
        name = self.launch()["InstanceId"]
        self.wait(name, "running")
        (Path(self.folder.name) / "off").touch()
        self.assertEqual(self.wait(name, "stopped")["StateReason"]["Code"], "Client.InstanceInitiatedShutdown")

    def test_one_that_does_not_start(self):
        name = self.launch(TagSpecifications=self.named("broken"))["InstanceId"]
        gone = self.wait(name, "terminated")
        self.assertEqual(gone["StateReason"]["Code"], "Server.InternalError")
        self.assertIn("no such image", gone["StateReason"]["Message"])
