"""The wire: names, lists, types, unknown and missing parameters, the shape of answers and errors."""

import json

from .bench import StandInTest, calls, form, request, signed


class Parameters(StandInTest):
    def test_what_the_model_does_not_have(self):
        self.raw_refused("UnknownParameter", form("DescribeVpcs", Vpc="x"))
        self.raw_refused("UnknownParameter", form("DescribeVpcs", **{"Filter.1.Names": "x"}))
        self.raw_refused("UnknownParameter", form("StartInstances", **{"InstanceId.1": "i-1", "instanceId.2": "x"}))
        self.raw_refused("UnknownParameter", form("DeleteKeyPair", **{"KeyName.1": "x"}))
        self.raw_refused("InvalidAction", form("MakeCoffee"))
        self.raw_refused("NoSuchVersion", b"Action=DescribeVpcs&Version=2014-01-01")
        self.raw_refused("MissingAction", b"Version=2016-11-15")
        self.raw_refused("MissingParameter", b"Action=DescribeVpcs")

    def test_what_is_missing(self):
        _, answer = self.raw_refused("MissingParameter", form("StopInstances"))
        self.assertIn("The request must contain the parameter InstanceId", answer)
        self.raw_refused("MissingParameter", form("RunInstances", MinCount=1))
        self.raw_refused("MissingParameter", form("ModifyVolume", Size=10))

    def test_lists_are_numbered_from_one_without_holes(self):
        for numbers in ("0", "2"), ("1", "3"), ("1", "x"), ("01",):
            self.raw_refused(
                "InvalidParameter", form("DescribeInstances", **{f"InstanceId.{n}": "i-1" for n in numbers})
            )
        self.raw_refused("InvalidParameter", form("DescribeInstances", InstanceId="i-1"))

    def test_types(self):
        for name, value in ("MaxResults", "many"), ("MaxResults", "5.0"), ("DryRun", "True"), ("DryRun", "1"):
            self.raw_refused("InvalidParameterValue", form("DescribeInstances", **{name: value}))
        self.raw_refused("InvalidParameterValue", form("ImportKeyPair", KeyName="k", PublicKeyMaterial="no base64!"))
        self.raw_refused("InvalidParameterValue", form("DescribeInstanceAttribute", InstanceId="i-1", Attribute="x"))
        self.raw_refused("InvalidParameterValue", form("CreateSecurityGroup", GroupName="", GroupDescription="x"))

    def test_what_is_no_form(self):
        for body in b"Action=DescribeVpcs&Version", b"Action=DescribeVpcs&Version=%zz", b"A=1&A=2", "ü=1".encode():
            self.raw_refused("MalformedQueryString", body)

    def test_an_operation_that_is_not_simulated_is_loud(self):
        status, answer = signed(form("CreateVpc", CidrBlock="10.0.0.0/16"))
        self.assertEqual((status, "StandInBug" in answer), (501, True))
        self.assertEqual(len(self.cloud.bugs), 1)
        self.cloud.bugs.clear()


class Answers(StandInTest):
    def test_an_answer(self):
        status, answer = signed(form("DescribeVpcs"))
        self.assertEqual(status, 200)
        self.assertIn('<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>', answer)
        self.assertIn("<vpcSet><item>", answer)
        self.assertIn("<cidrBlock>172.31.0.0/16</cidrBlock>", answer)
        self.assertIn("<isDefault>true</isDefault>", answer)

    def test_an_empty_list_and_no_output(self):
        self.assertIn("<reservationSet/>", signed(form("DescribeInstances"))[1])
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        self.assertIn("<return>true</return>", signed(form("DeleteSecurityGroup", GroupId=group))[1])

    def test_an_error(self):
        status, answer = self.raw_refused(
            "InvalidInstanceID.NotFound", form("DescribeInstances", **{"InstanceId.1": "i-0123456789abcdef0"})
        )
        self.assertEqual(status, 400)
        self.assertRegex(answer, r"<Response><Errors><Error><Code>.*</Error></Errors><RequestID>[0-9a-f-]+</RequestID>")

    def test_permissions_have_the_names_of_the_wire(self):
        group = self.ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
        signed(
            form("AuthorizeSecurityGroupIngress", **{
                "GroupId": group, "IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": 22,
                "IpPermissions.1.ToPort": 22, "IpPermissions.1.IpRanges.1.CidrIp": "203.0.113.7/32",
            })
        )  # fmt: skip
        answer = signed(form("DescribeSecurityGroups", **{"GroupId.1": group}))[1]
        self.assertIn("<ipRanges><item><cidrIp>203.0.113.7/32</cidrIp></item></ipRanges><ipv6Ranges/>", answer)

    def test_the_log_of_calls(self):
        signed(form("DescribeVpcs"))
        signed(form("DescribeVpcs", Vpc="x"))
        first, second = calls()
        self.assertEqual(
            [first[name] for name in ("service", "action", "outcome", "status")], ["ec2", "DescribeVpcs", "ok", 200]
        )
        self.assertEqual((second["outcome"], second["status"]), ("UnknownParameter", 400))
        self.assertGreater(first["sent"], 300)
        self.assertGreater(first["answered"], 300)

    def test_control_refuses_what_it_does_not_know(self):
        for asked in (
            {"boom": 1},
            {"set": {"lags": 1}},
            {"set": {"lag": "x"}},
            {"fault": {"kind": "x"}},
            {"fault": {"a": 1}},
        ):
            status, _, body = request("POST", "/_control", {}, json.dumps(asked).encode())
            self.assertEqual(status, 400, body)
        self.assertEqual(request("POST", "/_control", {"Origin": "http://evil"}, b"{}")[0], 403)
