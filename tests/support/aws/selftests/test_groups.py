"""Security groups and their rules."""

from .bench import StandInTest, control


def ssh(cidr="203.0.113.7/32", description=None, port=22):
    given = {"CidrIp": cidr, **({"Description": description} if description else {})}
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [given]}]


class Groups(StandInTest):
    def setUp(self):
        super().setUp()
        self.id = self.ec2.create_security_group(GroupName="mlops", Description="ours")["GroupId"]

    def authorize(self, permissions, **more):
        return self.ec2.authorize_security_group_ingress(GroupId=self.id, IpPermissions=permissions, **more)

    def rules(self):
        found = self.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.id]}])
        return [rule for rule in found["SecurityGroupRules"] if not rule["IsEgress"]]

    def test_a_new_group_lets_everything_out(self):
        group = self.ec2.describe_security_groups(GroupIds=[self.id])["SecurityGroups"][0]
        self.assertEqual(group["IpPermissions"], [])
        self.assertEqual(group["IpPermissionsEgress"][0]["IpProtocol"], "-1")
        self.assertNotIn("FromPort", group["IpPermissionsEgress"][0])

    def test_names(self):
        create = self.ec2.create_security_group
        self.refused("InvalidGroup.Duplicate", create, GroupName="MLOPS", Description="d")
        self.refused("InvalidParameterValue", create, GroupName="sg-mine", Description="d")
        self.refused("InvalidParameterValue", create, GroupName="a|b", Description="d")
        self.refused("InvalidParameterValue", create, GroupName="a", Description="<d>")
        self.refused("InvalidVpcID.NotFound", create, GroupName="a", Description="d", VpcId="vpc-0123456789abcdef0")
        self.refused("InvalidGroup.NotFound", self.ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"])
        self.refused("InvalidGroupId.Malformed", self.ec2.describe_security_groups, GroupIds=["sg-x"])

    def test_a_rule(self):
        tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "laptop", "Value": "annas"}]}]
        made = self.authorize(ssh("203.0.113.7/24", "laptop"), TagSpecifications=tags)["SecurityGroupRules"][0]
        self.assertEqual(made["CidrIpv4"], "203.0.113.0/24")
        self.assertRegex(made["SecurityGroupRuleId"], "^sgr-0[0-9a-f]{16}$")
        self.assertEqual(made["Tags"], tags[0]["Tags"])
        message = self.refused("InvalidPermission.Duplicate", self.authorize, permissions=ssh("203.0.113.9/24"))
        self.assertEqual(
            message,
            'the specified rule "peer: 203.0.113.0/24, TCP, from port: 22, to port: 22, ALLOW" already exists',
        )
        by_tag = self.ec2.describe_security_group_rules(Filters=[{"Name": "tag:laptop", "Values": ["annas"]}])
        self.assertEqual(len(by_tag["SecurityGroupRules"]), 1)

    def test_ipv6_groups_and_numbers_of_protocols(self):
        self.authorize(
            [{"IpProtocol": "6", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "2001:DB8::1/128"}]}]
        )
        self.authorize([{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": self.id}]}])
        group = self.ec2.describe_security_groups(GroupIds=[self.id])["SecurityGroups"][0]
        first, second = group["IpPermissions"]
        self.assertEqual((first["IpProtocol"], first["Ipv6Ranges"]), ("tcp", [{"CidrIpv6": "2001:db8::1/128"}]))
        self.assertEqual(second["UserIdGroupPairs"][0]["GroupId"], self.id)

    def test_what_is_no_rule(self):
        for code, permissions in (
            ("InvalidParameterValue", ssh("203.0.113.7")),
            ("InvalidParameterValue", ssh("300.0.113.7/32")),
            ("InvalidParameterValue", ssh(port=70000)),
            ("InvalidParameterValue", ssh(description="<x>")),
            ("InvalidParameterValue", ssh() + ssh()),
            ("InvalidParameterValue", [{"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]),
            ("InvalidParameterValue", [{"IpProtocol": "ipx", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]),
            ("MissingParameter", [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}]),
            (
                "InvalidGroup.NotFound",
                [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-0123456789abcdef0"}]}],
            ),
        ):
            self.refused(code, self.authorize, permissions=permissions)

    def test_sixty_rules(self):
        control(set={"rules": 3})
        self.authorize(
            [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 22,
                    "ToPort": 22,
                    "IpRanges": [{"CidrIp": f"10.0.0.{i}/32"} for i in range(3)],
                }
            ]
        )
        self.refused("RulesPerSecurityGroupLimitExceeded", self.authorize, permissions=ssh())

    def test_changed_in_one_step(self):
        first = self.authorize(ssh(description="laptop"))["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        second = self.authorize(ssh("198.51.100.1/32"))["SecurityGroupRules"][0]["SecurityGroupRuleId"]

        def change(name, cidr, **more):
            rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": cidr, **more}
            update = {"SecurityGroupRuleId": name, "SecurityGroupRule": rule}
            return self.ec2.modify_security_group_rules(GroupId=self.id, SecurityGroupRules=[update])

        self.assertTrue(change(first, "192.0.2.1/32")["Return"])
        self.assertEqual({rule["CidrIpv4"] for rule in self.rules()}, {"192.0.2.1/32", "198.51.100.1/32"})
        self.assertFalse(any("Description" in rule for rule in self.rules()))
        self.refused("InvalidPermission.Duplicate", change, name=first, cidr="198.51.100.1/32")
        self.refused("InvalidSecurityGroupRuleId.NotFound", change, name="sgr-0123456789abcdef0", cidr="10.0.0.0/8")
        self.refused("InvalidParameterValue", change, name=second, cidr="10.0.0.0/8", CidrIpv6="::/0")

    def test_revoked(self):
        name = self.authorize(ssh())["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        revoke = self.ec2.revoke_security_group_ingress
        revoke(GroupId=self.id, SecurityGroupRuleIds=[name])
        self.refused("InvalidSecurityGroupRuleId.NotFound", revoke, GroupId=self.id, SecurityGroupRuleIds=[name])
        self.refused("InvalidPermission.NotFound", revoke, GroupId=self.id, IpPermissions=ssh())
        self.authorize(ssh())
        revoke(GroupId=self.id, IpPermissions=ssh())
        self.assertEqual(self.rules(), [])

    def test_what_goes_out(self):
        out = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        self.refused(
            "InvalidPermission.Duplicate", self.ec2.authorize_security_group_egress, GroupId=self.id, IpPermissions=out
        )
        self.ec2.revoke_security_group_egress(GroupId=self.id, IpPermissions=out)
        made = self.ec2.authorize_security_group_egress(GroupId=self.id, IpPermissions=out)
        self.assertTrue(made["SecurityGroupRules"][0]["IsEgress"])

    def test_a_group_in_use_stays(self):
        name = self.launch(SecurityGroupIds=[self.id])["InstanceId"]
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=self.id)
        self.ec2.terminate_instances(InstanceIds=[name])
        control(set={"interface_seconds": 0.3})
        self.wait(name, "terminated")
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=self.id)
        control(set={"interface_seconds": 0})
        self.ec2.delete_security_group(GroupId=self.id)
        self.refused("InvalidGroup.NotFound", self.ec2.delete_security_group, GroupId=self.id)
