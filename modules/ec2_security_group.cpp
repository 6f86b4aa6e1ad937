// ec2_security_group: a security group of EC2, and what it lets in.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/contains.hpp"
#include "domains/cloud/here_rules.hpp"
#include "resource/cloud.hpp"
#include "resource/ingress_rule.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

using From = IngressRule::From;
using Rules = std::vector<CloudRule>;

bool has(const Rules& rules, const CloudRule& rule) {
  return std::any_of(rules.begin(), rules.end(), [&](const CloudRule& r) { return r.lets_in_same(rule); });
}

struct Ec2SecurityGroup {
  static constexpr auto type = "ec2_security_group";
  static constexpr bool settles = true;  // lists of EC2 lag behind
  enum class State { present, absent };

  struct Desired : CloudAccount {
    std::string name, vpc;
    std::optional<std::string> description;
    std::optional<std::vector<IngressRule>> rules;
    bool exact = true;
    bool adopt = false;
    State state = State::present;
  };
  struct Current {
    std::optional<CloudGroup> group;
    std::string address, here;  // of this machine, and what describes its rules; "" if no rule is about it
    std::map<std::string, std::string> ids;  // of the groups that rules name; "" if there is none
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A security group of EC2, and the rules for what may come in; everything may go out.");
    s.named_by("name");
    s.required("name", &Desired::name, "Its name in the VPC.");
    s.optional("vpc", &Desired::vpc, "The id of the VPC. Default: the region's default VPC.");
    s.optional("description", &Desired::description,
               "Of a new group; EC2 never changes it. Default: \"Made by mlops-agent\".")
        .for_present();
    s.optional(
         "rules", &Desired::rules,
         "What may come in: {\"port\": 22, \"protocol\": \"tcp\", \"from\": \"here\"}. `port` is one, a "
         "range (\"8000-8010\") or \"all\"; `protocol` is tcp (the default), udp, icmp or all; `from` is a "
         "network (\"203.0.113.0/24\"), another group of the VPC (\"group:NAME\"), or \"here\": the address "
         "from which this machine reaches the internet. The rule for \"here\" carries this machine's name, "
         "and follows it to its next address. Think twice before you open port 22 to \"0.0.0.0/0\" or "
         "\"::/0\": the whole internet will try passwords and keys on it within minutes.")
        .for_present();
    s.optional("exact", &Desired::exact,
               "Rules that are not listed are removed, also those of other machines. false: they stay.")
        .for_present();
    s.optional("adopt", &Desired::adopt,
               "Take over a group of that name that was not made by this program; otherwise it is an error.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "absent: it is deleted, once no instance uses it any more.");
    describe_account(s);
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&Ec2SecurityGroup::check);
    s.example(
        "ssh from this machine alone",
        R"({"type": "ec2_security_group", "name": "mlops-zoomcamp", "rules": [{"port": 22, "from": "here"}]})");
    s.example("A service for an office and for another group; rules of others stay",
              R"({"type": "ec2_security_group", "name": "api", "vpc": "vpc-0a1b2c3d", "exact": false, "rules": [
  {"port": "8000-8010", "from": "203.0.113.0/24"},
  {"port": 9000, "from": "group:workers"},
  {"protocol": "icmp", "from": "here"}]})");
    s.example("No such group", R"({"type": "ec2_security_group", "name": "api", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    if (!is_group_text(d.name) || d.name.starts_with("sg-"))
      c.error("name", fmt::format("`{}` cannot be the name of a security group", d.name),
              fmt::format("1 to 255 letters, digits and{}; not beginning with sg-", group_signs));
    if (d.name == "default") c.error("name", "the VPC's own group `default` is left alone");
    if (!d.vpc.empty() && !d.vpc.starts_with("vpc-"))
      c.error("vpc", fmt::format("`{}` is no id of a VPC", d.vpc), "as in \"vpc-0a1b2c3d\"");
    if (d.description && !is_group_text(*d.description))
      c.error("description", "EC2 does not take this description",
              fmt::format("1 to 255 letters, digits and{}", group_signs));
    for (const IngressRule& rule : d.rules.value_or(std::vector<IngressRule>()))
      if (rule.from == From::group && (!is_group_text(rule.source) || rule.source.starts_with("sg-")))
        c.error("rules", fmt::format("`{}` is no name of a security group", rule.source),
                "groups are given by name: \"group:NAME\"");
    check_account(d, c);
  }

  // Of the same name there may be one in each VPC.
  static Claims claims(const Desired& d) {
    Claim own = cloud_claim(type, d, d.name);
    if (!d.vpc.empty()) own.access = Claim::Access::edits, own.subkey = d.vpc;
    if (d.state == State::absent) own.desired = "absent";
    Claims claims{std::move(own)};
    if (d.state == State::absent) return claims;
    for (const IngressRule& rule : d.rules.value_or(std::vector<IngressRule>()))
      if (rule.from == From::group && rule.source != d.name)
        claims.push_back(cloud_claim(type, d, rule.source, Claim::Access::reads));
    return claims;
  }
  static Actor actor(const Desired&) { return {Actor::Kind::person, "", ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const CloudReader& cloud = machine.cloud();
    Current c;
    c.group = cloud.group(scope_of(d), d.vpc, d.name);
    if (d.state == State::absent || !d.rules) return c;
    for (const IngressRule& rule : *d.rules) {
      if (rule.from == From::here && c.address.empty()) {
        c.address = cloud.own_address();
        c.here = here_description(machine.files().read("/proc/sys/kernel/hostname").value_or(""));
      }
      if (rule.from != From::group || c.ids.contains(rule.source)) continue;
      const auto other = rule.source == d.name ? c.group : cloud.group(scope_of(d), d.vpc, rule.source);
      c.ids[rule.source] = other ? other->id : "";
    }
    return c;
  }

  //  current \ desired   present                                    absent
  //  none                create it, add the rules                   –
  //  ours, or adopt      add missing rules; exact: remove others;   delete it
  //                      else only those of this machine's
  //                      former addresses
  //  another's           error                                      error
  static Diff diff(const Desired& d, const Current& c) {
    if (c.group && !d.adopt && !is_ours(c.group->tags))
      throw Error(
          fmt::format("the account has a security group `{}` ({}) that was not made by this program: with "
                      "`adopt` set to true it is taken over as it is, and then changed",
                      d.name, c.group->id));
    if (d.state == State::absent) return deletion(d, c);
    Diff diff;
    if (!c.group) {
      diff.changes.push_back(Change::create());
      diff.actions.push_back(CreateCloudGroup{.scope = scope_of(d),
                                              .vpc = d.vpc,
                                              .name = d.name,
                                              .description = d.description.value_or("Made by mlops-agent")});
    } else if (d.description && *d.description != c.group->description) {
      throw Error(
          fmt::format("the description of {} is \"{}\", and EC2 cannot change it: leave `description` out, "
                      "or let the group be absent first",
                      c.group->id, c.group->description));
    }
    if (d.rules) change_rules(d, c, diff);
    return diff;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v = cloud_removal(type, d, d.name);
    if (!d.vpc.empty()) v.set("vpc", d.vpc);
    if (d.adopt) v.set("adopt", true);
    return v;
  }

  static Value outputs(const Desired& d, const Current& c) {
    Value v;
    v.set("name", d.name);
    v.set("id", c.group ? Value(c.group->id) : Value());
    v.set("vpc", c.group ? Value(c.group->vpc) : Value());
    return v;
  }

 private:
  static Diff deletion(const Desired& d, const Current& c) {
    if (!c.group) return {};
    return {{Change::remove()}, {DeleteCloudGroup{scope_of(d), d.vpc, d.name}}};
  }

  static Rules wanted_rules(const Desired& d, const Current& c) {
    Rules wanted;
    for (const IngressRule& rule : *d.rules) {
      std::string cidr = rule.source, group, description;
      if (rule.from == From::here) {
        const auto here = cidr_of_host(c.address);
        if (!here) throw Error(fmt::format("this machine's address is not known: `{}` is none", c.address));
        cidr = *here, description = c.here;
      }
      if (rule.from == From::group) {
        group = c.ids.at(rule.source);
        if (group.empty() && rule.source != d.name)
          throw Error(fmt::format("there is no security group `{}` in the VPC", rule.source));
        if (group.empty()) group = d.name;  // it is made by then
      }
      const CloudRule one = cloud_rule(rule, cidr, group, description);
      if (!has(wanted, one)) wanted.push_back(one);
    }
    return wanted;
  }

  // The rule for a former address of this machine, in whose place the other comes.
  static bool is_former(const CloudRule& rule, const CloudRule& wanted, const Current& c) {
    const bool own = !c.here.empty() && rule.description == c.here;
    return own && wanted.description == rule.description && is_same_service(rule, wanted);
  }

  static void change_rules(const Desired& d, const Current& c, Diff& diff) {
    const Rules wanted = wanted_rules(d, c), is = c.group ? c.group->rules : Rules();
    ChangeCloudRules change{.scope = scope_of(d), .vpc = d.vpc, .group = d.name};
    const auto former_of = [&](const CloudRule& rule) {
      return std::find_if(is.begin(), is.end(), [&](const CloudRule& r) {
        return is_former(r, rule, c) && !has(wanted, r) && !has(change.remove, r);
      });
    };
    const auto note = [&](Value before, Value after) {
      diff.changes.push_back({.property = "rule", .before = std::move(before), .after = std::move(after)});
    };
    for (const CloudRule& rule : wanted) {
      if (has(is, rule)) continue;
      const auto former = former_of(rule);
      note(former == is.end() ? Value() : Value(mlops::describe(*former)), mlops::describe(rule));
      change.add.push_back(rule);
      if (former != is.end()) change.remove.push_back(*former);
    }
    for (const CloudRule& rule : is) {
      const bool former =
          std::any_of(wanted.begin(), wanted.end(), [&](const CloudRule& w) { return is_former(rule, w, c); });
      if (has(wanted, rule) || has(change.remove, rule) || !(d.exact || former)) continue;
      note(mlops::describe(rule), Value());
      change.remove.push_back(rule);
    }
    if (!change.add.empty() || !change.remove.empty()) diff.actions.push_back(std::move(change));
  }
};

}  // namespace

MLOPS_MODULE(Ec2SecurityGroup);

}  // namespace mlops::modules
