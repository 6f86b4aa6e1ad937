// ec2_instance: one machine of EC2, by its name.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/contains.hpp"
#include "domains/cloud/images.hpp"
#include "domains/cloud/public_key.hpp"
#include "resource/cloud.hpp"
#include "resource/instance_words.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

struct Ec2Instance {
  static constexpr auto type = "ec2_instance";
  static constexpr bool settles = true;  // lists of EC2 lag behind
  enum class State { running, stopped, absent };

  struct Desired : CloudAccount {
    std::string name;
    std::string image;
    Texts types;
    std::optional<std::int64_t> disk, hop_limit;
    std::optional<std::string> disk_type, key_pair, subnet, user, user_data;
    std::optional<Texts> groups;
    TextMap tags;
    State state = State::running;
    bool recreate = false;
    std::optional<Dollars> max_per_hour;
  };
  struct Current {
    CloudInstances instances;
    bool key_pair = false;                      // asked for one that is to be created
    std::map<std::string, std::string> groups;  // name -> id; "": there is none
    std::optional<CloudOffer> offer;            // for one that is to be created, or to get another type

    const CloudInstance* one() const {
      return instances.alive.size() == 1 ? &instances.alive.front() : nullptr;
    }
    bool creates() const { return instances.alive.empty() && !instances.launching; }
    // An instance of that name went without this machine's doing.
    bool lost() const {
      const auto& gone = instances.gone;
      return creates() && (!instances.launched_here.empty() || (gone && gone->id != instances.ended_here));
    }
  };

  static void describe(Schema<Desired>& s) {
    s.summary(
        "One machine of EC2: launched exactly once, powered as asked, with the metadata service's IMDSv2 "
        "only and no AWS rights.");
    s.named_by("name");
    s.required("name", &Desired::name, "Its name: the value of its tags.");
    s.optional("image", &Desired::image,
               "What it is made from: \"ubuntu-24.04\", \"debian-12\" or the id of an image. A name means the "
               "newest image of that name at the launch; later ones are no drift.")
        .for_present();
    s.optional(
         "instance_type", &Desired::types,
         "Its type, or a list to try until there is capacity for one. A machine of another type is stopped, "
         "changed and started again.")
        .for_present();
    s.optional("disk", &Desired::disk,
               "Its root disk's size in GiB. It grows in place (the file system at the next boot) and never "
               "shrinks. Default: as the image has it.")
        .for_present();
    s.optional("disk_type", &Desired::disk_type, "The disk's type. Default: gp3 for a new one.").for_present();
    s.optional("key_pair", &Desired::key_pair, "The name of the ec2_key_pair that may log in.").for_present();
    s.optional("security_groups", &Desired::groups,
               "The names of its security groups, all of them. Default: the VPC's group `default`.")
        .for_present();
    s.optional("subnet", &Desired::subnet,
               "The id of its subnet. Default: one of the default VPC, in a zone that has the type.")
        .for_present();
    s.optional(
         "user", &Desired::user,
         "The user to log in as, for the output `ssh`. Default: the image's own, if that is given by name.")
        .for_present();
    s.optional(
         "user_data", &Desired::user_data,
         "cloud-config or a script for the first boot. Every program on the machine can read it: it is no "
         "place for secrets.")
        .for_present();
    s.optional(
         "hop_limit", &Desired::hop_limit,
         "How many hops away the metadata service answers, for a new machine. Default: 1; containers need 2.")
        .for_present();
    s.optional("instance_tags", &Desired::tags, "Further tags of the instance; others that it has stay.")
        .for_present();
    s.one_of(
        "state", &Desired::state,
        {{"running", State::running}, {"stopped", State::stopped}, {"absent", State::absent}},
        "stopped: only its disk costs money, and it gets another public address when it starts. absent: it is "
        "terminated, and its disk is lost.");
    s.optional("recreate", &Desired::recreate,
               "If the machine was terminated by somebody else, launch a new one with an empty disk. Otherwise "
               "`apply` asks on the terminal, or needs --recreate.")
        .for_present();
    s.optional(
         "max_per_hour", &Desired::max_per_hour,
         "The most that it may cost while it runs, disk and public address included. More is refused before "
         "it is launched or gets another type; so is a price that cannot be asked for.")
        .for_present();
    describe_account(s);
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&Ec2Instance::check);
    s.example("A machine for a course, with a key pair and a security group of other resources",
              R"({"type": "ec2_instance", "name": "mlops-zoomcamp", "image": "ubuntu-24.04",
  "instance_type": ["t3.large", "t3a.large"], "disk": 30, "key_pair": "mlops-zoomcamp", "security_groups": ["mlops-zoomcamp"]})");
    s.example("The same, stopped",
              R"({"type": "ec2_instance", "name": "mlops-zoomcamp", "image": "ubuntu-24.04",
  "instance_type": "t3.large", "state": "stopped"})");
    s.example("Its end", R"({"type": "ec2_instance", "name": "mlops-zoomcamp", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    check_tagged_name(d.name, c);
    check_account(d, c);
    if (d.state == State::absent) return;
    if (d.image.empty()) c.error("image", "`image` is missing", "as in \"ubuntu-24.04\"");
    if (!d.image.empty() && !is_image(d.image))
      c.error("image", fmt::format("`{}` is no image", d.image),
              image_names() + ", each also with -arm64, or an id: \"ami-0a1b2c3d\"");
    check_types(d, c);
    const auto within = [&](const char* parameter, const std::optional<std::int64_t>& n, std::int64_t most) {
      if (n && (*n < 1 || *n > most)) c.error(parameter, fmt::format("{} is not within 1 to {}", *n, most));
    };
    within("disk", d.disk, most_gib);
    within("hop_limit", d.hop_limit, most_hops);
    if (d.subnet && !d.subnet->starts_with("subnet-"))
      c.error("subnet", fmt::format("`{}` is no id of a subnet", *d.subnet), "as in \"subnet-0a1b2c3d\"");
    if (d.user_data && d.user_data->size() > most_user_data)
      c.error("user_data", fmt::format("it has {} bytes, more than the {} that EC2 takes", d.user_data->size(),
                                       most_user_data));
    if (d.groups && d.groups->list.empty())
      c.error("security_groups", "an instance has at least one group", "leave it out for the group `default`");
    check_tags(d, c);
  }

  static Claims claims(const Desired& d) {
    Claims claims{cloud_claim(type, d, d.name)};
    if (d.state == State::absent) return claims;
    if (d.key_pair) claims.push_back(cloud_claim("ec2_key_pair", d, *d.key_pair, Claim::Access::reads));
    for (const std::string& group : group_names(d))
      claims.push_back(cloud_claim("ec2_security_group", d, group, Claim::Access::reads));
    return claims;
  }
  static Actor actor(const Desired&) { return {Actor::Kind::person, "", ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const CloudReader& cloud = machine.cloud();
    Current c;
    c.instances = cloud.instances(scope_of(d), d.name);
    if (d.state == State::absent || c.instances.alive.size() > 1) return c;
    const CloudInstance* is = c.one();
    if (c.creates() || (is && d.max_per_hour && !has_type(d, *is))) c.offer = cloud.offer(scope_of(d), spec(d));
    if (c.creates() && d.key_pair) c.key_pair = cloud.key_pair(scope_of(d), *d.key_pair).has_value();
    const std::string vpc = is ? is->vpc : d.subnet && c.offer ? c.offer->vpc : "";
    if (is || c.creates())
      for (const std::string& name : group_names(d)) {
        const auto group = cloud.group(scope_of(d), vpc, name);
        c.groups[name] = group ? group->id : "";
      }
    return c;
  }

  //  current \ desired   running                           stopped                      absent
  //  none                launch                            launch, stop                 –
  //  interrupted launch  launch (it is resumed)            launch, stop                 terminate
  //  gone, not by us     launch, if agreed to or recreate  the same, stop               –
  //  starting, running   what differs; another type:       what differs; stop           terminate
  //                      stop, change, start
  //  stopping, stopped   what differs; start               what differs                 terminate
  //  several             error                             error                        error
  static Diff diff(const Desired& d, const Current& c) {
    if (c.instances.alive.size() > 1) throw several(d, c);
    if (d.state == State::absent) return end(d, c);
    Diff diff;
    if (c.instances.launching) resume(d, c, diff);
    if (c.creates()) create(d, c, diff);
    if (const CloudInstance* is = c.one()) change(d, *is, c, diff);
    return diff;
  }

  static Value removal(const Desired& d) {
    return d.state == State::absent ? Value(false) : cloud_removal(type, d, d.name);
  }

  static Value outputs(const Desired& d, const Current& c) {
    const CloudInstance none, *found = c.one();
    const CloudInstance& is = found ? *found : none;
    const auto known = [](const std::string& text) { return text.empty() ? Value() : Value(text); };
    const std::string user = d.user.value_or(login_user(d.image));
    const std::string address = is.power != CloudPower::running ? ""
                                : is.public_address.empty()     ? is.private_address
                                                                : is.public_address;
    Value v;
    v.set("name", d.name);
    v.set("id", known(is.id));
    v.set("host_key_alias", known(is.id));
    v.set("instance_type", known(is.type));
    v.set("zone", known(is.zone));
    v.set("public_address", known(is.public_address));
    v.set("private_address", known(is.private_address));
    v.set("user", known(user));
    v.set("ssh", address.empty() || user.empty() ? known(address) : Value(user + "@" + address));
    return v;
  }

 private:
  // EC2's API reference: the largest gp3 volume, HttpPutResponseHopLimit, user data before base64, tags.
  static constexpr std::int64_t most_gib = 65536, most_hops = 64;
  static constexpr std::size_t most_user_data = 16384, longest_key = 128, longest_value = 256, most_tags = 45;
  using Verb = PowerInstance::Verb;

  static void check_types(const Desired& d, Checker& c) {
    if (d.types.list.empty()) c.error("instance_type", "`instance_type` is missing", "as in \"t3.small\"");
    for (const std::string& one : d.types.list)
      if (!is_instance_type(one))
        c.error("instance_type", fmt::format("`{}` is no type of instances", one), "as in \"t3.small\"");
  }

  static void check_tags(const Desired& d, Checker& c) {
    if (d.tags.size() > most_tags) c.error("instance_tags", fmt::format("there may be {} tags", most_tags));
    for (const auto& [key, value] : d.tags) {
      if (key.empty() || key.size() > longest_key || value.size() > longest_value)
        c.error("instance_tags", fmt::format("`{}` is too long, or empty", key),
                "a tag has up to 128 characters, its value 256");
      if (key == "Name" || key.starts_with("aws:") || key.starts_with("mlops-agent:"))
        c.error("instance_tags", fmt::format("`{}` cannot be set here", key));
    }
  }

  static std::vector<std::string> group_names(const Desired& d) {
    return d.groups ? d.groups->list : std::vector<std::string>();
  }
  static bool has_type(const Desired& d, const CloudInstance& is) { return contains(d.types.list, is.type); }

  static InstanceSpec spec(const Desired& d) {
    return {.image = d.image,
            .types = d.types.list,
            .disk_gib = d.disk.value_or(0),
            .disk_type = d.disk_type.value_or("gp3"),
            .key_pair = d.key_pair.value_or(""),
            .groups = group_names(d),
            .subnet = d.subnet.value_or(""),
            .user_data = d.user_data.value_or(""),
            .hop_limit = d.hop_limit.value_or(1),
            .tags = d.tags};
  }
  static PowerInstance power(const Desired& d, const std::string& id, Verb verb) {
    return {.scope = scope_of(d), .name = d.name, .id = id, .verb = verb};
  }

  static Error several(const Desired& d, const Current& c) {
    std::string ids, list;
    for (const CloudInstance& one : c.instances.alive) {
      list += fmt::format("{}{} ({}, {})", list.empty() ? "" : ", ", one.id, to_text(one.power), one.type);
      ids += ' ' + one.id;
    }
    return Error(
        fmt::format("several instances are called `{}`: {}; terminate those that are not wanted (aws ec2 "
                    "terminate-instances --instance-ids, with some of{}), or give them another tag {}",
                    d.name, list, ids, cloud_tag));
  }

  static Diff end(const Desired& d, const Current& c) {
    Diff diff;
    const CloudInstance* is = c.one();
    if (!is && !c.instances.launching) return diff;
    diff.changes.push_back(Change::remove());
    if (is)
      diff.changes.push_back({.property = "disk",
                              .before = fmt::format("{} GiB, lost with it ({})", is->disk_gib, is->disk),
                              .after = {}});
    diff.actions.push_back(power(d, is ? is->id : "", Verb::terminate));
    return diff;
  }

  static void resume(const Desired& d, const Current& c, Diff& diff) {
    if (c.one())
      diff.changes.push_back({.property = "launch", .before = "interrupted", .after = "finished"});
    else
      describe_new(d, diff);
    diff.actions.push_back(LaunchInstance{scope_of(d), d.name, spec(d)});
    if (!c.one() && d.state == State::stopped) diff.actions.push_back(power(d, "", Verb::stop));
  }

  static void describe_new(const Desired& d, Diff& diff) {
    diff.changes.push_back(Change::create());
    const auto note = [&](const char* property, Value after) {
      diff.changes.push_back({.property = property, .after = std::move(after)});
    };
    note("instance_type", fmt::format("{}", fmt::join(d.types.list, ", or ")));
    note("image", d.image);
    if (d.disk) note("disk", fmt::format("{} GiB", *d.disk));
    if (d.key_pair) note("key_pair", *d.key_pair);
    if (d.groups) note("security_groups", fmt::format("{}", fmt::join(d.groups->list, ", ")));
    note("host_key", "by user data; replaced at the first connection");
    note("state", d.state == State::stopped ? "stopped" : "running");
  }

  static void create(const Desired& d, const Current& c, Diff& diff) {
    check_offer(d, c);
    check_groups(d, c);
    describe_new(d, diff);
    if (c.lost())
      diff.changes.push_back({.property = "instance",
                              .before = describe_gone(c.instances),
                              .after = "a new one, its disk is lost"});
    if (c.lost() && !d.recreate)
      diff.loss = fmt::format("{}, and it was not terminated from here: a new one, its disk is lost",
                              describe_gone(c.instances));
    note_price(*c.offer, diff);
    diff.actions.push_back(LaunchInstance{scope_of(d), d.name, spec(d)});
    if (d.state == State::stopped) diff.actions.push_back(power(d, "", Verb::stop));
  }

  static void check_offer(const Desired& d, const Current& c) {
    if (c.offer->types.empty())
      throw Error(
          fmt::format("no zone with a usable subnet has {}: choose another type, or a `subnet` in another "
                      "zone",
                      fmt::join(d.types.list, " or ")));
    if (d.disk && *d.disk < c.offer->least_disk_gib)
      throw Error(fmt::format("the image {} needs a disk of {} GiB, more than the {} of `disk`",
                              c.offer->image_name, c.offer->least_disk_gib, *d.disk));
    check_price(d, *c.offer);
    if (d.key_pair && !c.key_pair)
      throw Error(fmt::format("there is no key pair `{}`: give it an ec2_key_pair resource before this one",
                              *d.key_pair));
  }

  static void check_price(const Desired& d, const CloudOffer& offer) {
    if (!d.max_per_hour) return;
    if (!offer.hourly_running)
      throw Error(
          "the price is not known, as these credentials may not ask for it (pricing:GetProducts): leave "
          "`max_per_hour` out, or get that right");
    if (*offer.hourly_running > d.max_per_hour->amount)
      throw Error(fmt::format("it would cost ${:.4f} per hour, more than the ${:.4f} of `max_per_hour`",
                              *offer.hourly_running, d.max_per_hour->amount));
  }

  static void note_price(const CloudOffer& offer, Diff& diff) {
    const std::string text = describe_price(offer);
    diff.changes.push_back({.property = "price",
                            .after = text.empty() ? "not known: these credentials may not ask for it" : text,
                            .kind = Change::Kind::event});
  }

  static void check_groups(const Desired& d, const Current& c) {
    for (const std::string& name : group_names(d))
      if (c.groups.at(name).empty())
        throw Error(
            fmt::format("there is no security group `{}` in the instance's VPC: give it an "
                        "ec2_security_group resource before this one",
                        name));
  }

  // What no action can change.
  static void check_fixed(const Desired& d, const CloudInstance& is) {
    const auto need = [&](const char* what, const std::string& has, const std::string& wanted) {
      if (has != wanted)
        throw Error(
            fmt::format("{} has the {} {}, which cannot become {}: leave it, or end the instance first "
                        "(state absent)",
                        is.id, what, has.empty() ? "(none)" : has, wanted));
    };
    if (is_image_id(d.image)) need("image", is.image, d.image);
    if (d.key_pair) need("key pair", is.key_pair, *d.key_pair);
    if (d.subnet) need("subnet", is.subnet, *d.subnet);
    if (d.disk && *d.disk < is.disk_gib)
      throw Error(
          fmt::format("the disk of {} has {} GiB, and cannot shrink to {}", is.id, is.disk_gib, *d.disk));
  }

  static void change(const Desired& d, const CloudInstance& is, const Current& c, Diff& diff) {
    check_fixed(d, is);
    check_groups(d, c);
    const bool other_type = !has_type(d, is);
    if (other_type && c.offer) {
      check_price(d, *c.offer);
      note_price(*c.offer, diff);
    }
    const bool stays_up = d.state == State::running;
    const auto modify = modification(d, is, c, diff);
    note_power(d, is, c, other_type, diff);
    // Another type needs a stopped machine; the other changes do not.
    const bool stopped = is.power == CloudPower::stopped && !c.instances.launching;
    const bool running = is.power == CloudPower::running || c.instances.launching;
    const bool stop = !stopped && (other_type || !stays_up), start = stays_up && (stop || !running);
    if (stop) diff.actions.push_back(power(d, is.id, Verb::stop));
    if (modify) diff.actions.push_back(*modify);
    if (start) diff.actions.push_back(power(d, is.id, Verb::start));
  }

  static void note_power(const Desired& d, const CloudInstance& is, const Current& c, bool other_type,
                         Diff& diff) {
    const CloudPower wanted = d.state == State::running ? CloudPower::running : CloudPower::stopped;
    const CloudPower now = c.instances.launching ? CloudPower::running : is.power;
    if (now != wanted) diff.changes.push_back({"state", to_text(is.power), to_text(wanted)});
    if (now == wanted && other_type && wanted == CloudPower::running)
      diff.changes.push_back({.property = "state",
                              .before = "running",
                              .after = "stopped for the other type, and started again",
                              .kind = Change::Kind::event});
  }

  // What is to be modified, noted as changes; absent if nothing is.
  static std::optional<ModifyInstance> modification(const Desired& d, const CloudInstance& is, const Current& c,
                                                    Diff& diff) {
    ModifyInstance modify{.scope = scope_of(d), .name = d.name, .id = is.id};
    const std::size_t before = diff.changes.size();
    const auto note = [&](std::string property, Value from, Value to) {
      diff.changes.push_back({std::move(property), std::move(from), std::move(to)});
    };
    if (!has_type(d, is)) {
      modify.type = d.types.list.front();
      note("instance_type", is.type, modify.type);
    }
    if (d.disk && *d.disk > is.disk_gib) {
      modify.disk_gib = *d.disk;
      note("disk", fmt::format("{} GiB", is.disk_gib), fmt::format("{} GiB", *d.disk));
    }
    if (d.disk_type && *d.disk_type != is.disk_type) {
      modify.disk_type = *d.disk_type;
      note("disk_type", is.disk_type, *d.disk_type);
    }
    modify_groups(d, is, c, modify, note);
    for (const auto& [key, value] : d.tags) {
      const auto has = is.tags.find(key);
      if (has != is.tags.end() && has->second == value) continue;
      modify.tags[key] = value;
      note("tag " + key, has == is.tags.end() ? Value() : Value(has->second), value);
    }
    if (!is.requires_tokens) {
      modify.require_tokens = true;
      note("metadata service", "IMDSv1 and 2", "IMDSv2 only");
    }
    if (!is.console_key.empty()) {
      modify.host_key = is.console_key;
      note("host_key", "of its user data, which it has not taken",
           fmt::format("{}, as its console shows", fingerprint_of_key(is.console_key)));
    }
    if (diff.changes.size() == before) return std::nullopt;
    return modify;
  }

  static void modify_groups(const Desired& d, const CloudInstance& is, const Current& c, ModifyInstance& modify,
                            const std::function<void(std::string, Value, Value)>& note) {
    if (!d.groups) return;
    std::vector<std::string> wanted, has = is.groups;
    for (const auto& [name, id] : c.groups) wanted.push_back(id);
    std::sort(wanted.begin(), wanted.end());
    std::sort(has.begin(), has.end());
    if (wanted == has) return;
    note("security_groups", fmt::format("{}", fmt::join(has, ", ")),
         fmt::format("{}", fmt::join(wanted, ", ")));
    modify.groups = std::move(wanted);
  }
};

}  // namespace

MLOPS_MODULE(Ec2Instance);

}  // namespace mlops::modules
