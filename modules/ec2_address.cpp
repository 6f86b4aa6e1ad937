// ec2_address: an Elastic IP, and the instance that has it.
#include <fmt/format.h>

#include "resource/cloud.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

struct Ec2Address {
  static constexpr auto type = "ec2_address";
  static constexpr bool settles = true;  // lists of EC2 lag behind
  enum class State { present, absent };

  struct Desired : CloudAccount {
    std::string name;
    std::optional<std::string> instance;
    State state = State::present;
  };
  struct Current {
    std::optional<CloudAddress> address;
    CloudInstances instances;  // of the name
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A fixed public address (Elastic IP). It costs money for as long as it exists, in use or not.");
    s.named_by("name");
    s.required("name", &Desired::name, "Its name: the value of its tags.");
    s.optional("instance", &Desired::instance,
               "The name of the ec2_instance that has it; \"\": none. Without it, that is left as it is.")
        .for_present();
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "absent: it is released, and may be somebody else's a moment later.");
    describe_account(s);
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&Ec2Address::check);
    s.example("An address that the machine keeps when it is stopped",
              R"({"type": "ec2_address", "name": "mlops-zoomcamp", "instance": "mlops-zoomcamp"})");
    s.example("Give it back", R"({"type": "ec2_address", "name": "mlops-zoomcamp", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    check_tagged_name(d.name, c);
    check_account(d, c);
  }

  static Claims claims(const Desired& d) {
    Claims claims{cloud_claim(type, d, d.name)};
    if (d.state == State::present && d.instance && !d.instance->empty())
      claims.push_back(cloud_claim("ec2_instance", d, *d.instance, Claim::Access::reads));
    return claims;
  }
  static Actor actor(const Desired&) { return {Actor::Kind::person, "", ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    Current c{machine.cloud().address(scope_of(d), d.name), {}};
    if (d.state == State::present && d.instance && !d.instance->empty())
      c.instances = machine.cloud().instances(scope_of(d), *d.instance);
    return c;
  }

  //  current \ desired    present                         absent
  //  none                 allocate it, associate it       –
  //  associated as asked  –                               release it
  //  otherwise            associate it, or with none      release it
  static Diff diff(const Desired& d, const Current& c) {
    Diff diff;
    if (d.state == State::absent) {
      if (!c.address) return diff;
      diff.changes.push_back(Change::remove());
      diff.changes.push_back({.property = "address", .before = c.address->address, .after = {}});
      diff.actions.push_back(ChangeCloudAddress{.scope = scope_of(d), .name = d.name, .present = false});
      return diff;
    }
    const std::string has = c.address ? c.address->instance : "", wanted = wanted_instance(d, c).value_or(has);
    if (!c.address) diff.changes.push_back(Change::create());
    if (has != wanted)
      diff.changes.push_back({.property = "instance", .before = shown(has), .after = shown(wanted)});
    if (!diff.changes.empty())
      diff.actions.push_back(ChangeCloudAddress{.scope = scope_of(d), .name = d.name, .instance = wanted});
    return diff;
  }

  static Value removal(const Desired& d) {
    return d.state == State::absent ? Value(false) : cloud_removal(type, d, d.name);
  }

  static Value outputs(const Desired& d, const Current& c) {
    Value v;
    v.set("name", d.name);
    v.set("address", c.address ? Value(c.address->address) : Value());
    return v;
  }

 private:
  static Value shown(const std::string& id) { return id.empty() ? Value() : Value(id); }

  // Its id; "" for none. Absent if that is left as it is.
  static std::optional<std::string> wanted_instance(const Desired& d, const Current& c) {
    if (!d.instance || d.instance->empty()) return d.instance;
    if (c.instances.alive.size() > 1)
      throw Error(
          fmt::format("several instances are called `{}`: which of them is to have the address?", *d.instance));
    if (c.instances.alive.empty())
      throw Error(fmt::format("there is no instance `{}`: give it an ec2_instance resource before this one",
                              *d.instance));
    return c.instances.alive.front().id;
  }
};

}  // namespace

MLOPS_MODULE(Ec2Address);

}  // namespace mlops::modules
