"""Calls on rules: authorised, revoked, changed in one step, described."""

import dataclasses

from ..errors import Refused, invalid, missing
from . import groups, rules, tags
from .filters import matching, page


def check_room(call, group, egress, more):
    count = sum(1 for rule in call.region.rules.all() if rule.group == group.id and rule.egress == egress)
    if count + more > call.cloud.settings.rules:
        raise Refused(
            "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
        )


def duplicate(rule):
    return Refused("InvalidPermission.Duplicate", f'the specified rule "{rule.words}" already exists')


def authorize(call, egress):
    group, region = groups.meant(call), call.region
    new = rules.asked(call, group, egress)
    present = {rule.key for rule in region.rules.all()}
    for rule in new:
        if rule.key in present:
            raise duplicate(rule)
    check_room(call, group, egress, len(new))
    made = tags.at_creation(call, "security-group-rule")["security-group-rule"]
    for rule in new:
        rule.tags = dict(made)
        region.rules.add(rule)
    return {"Return": True, "SecurityGroupRules": [rules.rendered(rule) for rule in new]}


def rule_of(call, group, name, egress=None):
    rule = call.region.rules.get(call, name)
    if rule.group != group.id or (egress is not None and rule.egress != egress):
        raise call.region.rules.refuse(name)
    return rule


def revoke(call, egress):
    group, region = groups.meant(call), call.region
    if call.get("SecurityGroupRuleIds"):
        gone = [rule_of(call, group, name, egress) for name in call["SecurityGroupRuleIds"]]
    else:
        present = {rule.key: rule for rule in region.rules.all()}
        gone = [present.get(rule.key) for rule in rules.asked(call, group, egress)]
        if None in gone:
            raise Refused("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
    for rule in gone:
        region.rules.remove(rule)
    return {"Return": True, "UnknownIpPermissions": []}


def replaced(call, group, update):
    """The rule of an update as it is to be: what the request leaves out is gone from it."""
    if "SecurityGroupRuleId" not in update:
        raise missing("SecurityGroupRule.SecurityGroupRuleId")
    rule, new = rule_of(call, group, update["SecurityGroupRuleId"]), update.get("SecurityGroupRule")
    if not new or "IpProtocol" not in new:
        raise missing("SecurityGroupRule.SecurityGroupRule.IpProtocol")
    protocol = rules.protocol_of(new["IpProtocol"])
    low, high = rules.ports_of(protocol, new.get("FromPort"), new.get("ToPort"))
    found = []
    if "CidrIpv4" in new:
        found.append(("cidr4", rules.network_of(new["CidrIpv4"], 4)))
    if "CidrIpv6" in new:
        found.append(("cidr6", rules.network_of(new["CidrIpv6"], 6)))
    if "ReferencedGroupId" in new:
        found.append(("group", call.region.groups.get(call, new["ReferencedGroupId"]).id))
    if len(found) != 1:
        raise invalid("A security group rule has exactly one source or destination")
    kind, source = found[0]
    if kind != rule.kind:
        raise invalid(f"The rule {rule.id} cannot change what kind of source it has")
    return dataclasses.replace(
        rule, protocol=protocol, low=low, high=high, kind=kind, source=source,
        description=rules.description_of(new.get("Description")),
    )  # fmt: skip


def modify_security_group_rules(call):
    """All rules of the call change at once, or none."""
    group, table = call.region.groups.get(call, call["GroupId"]), call.region.rules
    changed = {}
    for update in call["SecurityGroupRules"]:
        rule = replaced(call, group, update)
        if rule.id in changed:
            raise invalid(f"The rule {rule.id} is given twice")
        changed[rule.id] = rule
    after = [changed.get(rule.id, rule) for rule in table.all()]
    for rule in changed.values():
        if sum(1 for other in after if other.key == rule.key) > 1:
            raise duplicate(rule)
    for rule in changed.values():
        table.records[rule.id] = rule
        table.touch(rule)
    return {"Return": True}


def describe_security_group_rules(call):
    fields = {
        "group-id": lambda rule: rule.group,
        "security-group-rule-id": lambda rule: rule.id,
        "tags": lambda rule: rule.tags,
    }
    ids = call.get("SecurityGroupRuleIds")
    found = matching(call, call.region.rules.described(call, ids), fields)
    found, following = page(call, found, ids and ("securityGroupRuleIds",))
    return {"SecurityGroupRules": [rules.rendered(rule) for rule in found], "NextToken": following}


OPERATIONS = {
    "AuthorizeSecurityGroupIngress": lambda call: authorize(call, False),
    "AuthorizeSecurityGroupEgress": lambda call: authorize(call, True),
    "RevokeSecurityGroupIngress": lambda call: revoke(call, False),
    "RevokeSecurityGroupEgress": lambda call: revoke(call, True),
    "ModifySecurityGroupRules": modify_security_group_rules,
    "DescribeSecurityGroupRules": describe_security_group_rules,
}
