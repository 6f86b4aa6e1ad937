// ssh_host: a host's block in the person's ~/.ssh/config; the rest of the file is kept.
#include <fmt/format.h>

#include <algorithm>

#include "base/edit_distance.hpp"
#include "base/text_diff.hpp"
#include "model/ssh_config.hpp"
#include "resource/module.hpp"
#include "resource/ssh_file.hpp"

namespace mlops::modules {
namespace {

// Any further lines, in the order written: the keyword, and its value. null: no such line.
using Options = std::vector<SshOption>;

}  // namespace
}  // namespace mlops::modules

namespace mlops {

template <>
struct Codec<modules::Options> {
  static bool decode(const Value& v, modules::Options& into, Decoder& d) {
    if (!v.is_object()) return d.must_be(v, "an object of options");
    bool good = true;
    for (const Value::Member& m : v.as_object()) good &= decode_one(m, into, d);
    return good;
  }
  static std::string type_text() { return "object of texts, numbers, true or false, null, or lists of texts"; }
  static Value json_schema() {
    Value::Array kinds;
    for (const char* kind : {"string", "integer", "boolean", "null"}) kinds.push_back(kind);
    Value plain, list, any, v;
    plain.set("type", std::move(kinds));
    list.set("type", "array");
    list.set("items", Codec<std::string>::json_schema());
    any.set("anyOf", Value::Array{std::move(plain), std::move(list)});
    v.set("type", "object");
    v.set("additionalProperties", std::move(any));
    return v;
  }
  static Value to_value(const modules::Options&) { return {}; }

 private:
  static bool decode_one(const Value::Member& m, modules::Options& into, Decoder& d) {
    SshOption option{m.key, {}};
    if (const auto known = ssh_keyword(m.key)) option.keyword = *known;
    bool good = true;
    if (m.value.is_bool()) {
      option.values = {m.value.as_bool() ? "yes" : "no"};
    } else if (m.value.is_integer()) {
      option.values = {m.value.to_text()};
    } else if (m.value.is_array()) {
      good = Codec<std::vector<std::string>>::decode(m.value, option.values, d);
    } else if (!m.value.is_null()) {
      good = Codec<std::string>::decode(m.value, option.values.emplace_back(), d);
    }
    into.push_back(std::move(option));
    return good;
  }
};

}  // namespace mlops

namespace mlops::modules {
namespace {

struct SshHost {
  static constexpr auto type = "ssh_host";
  static constexpr bool names_host = true;
  enum class State { present, absent };
  enum class Checking { unmanaged, yes, no, ask, accept_new };

  struct Desired {
    PersonOf person;
    std::string name;
    State state = State::present;
    std::optional<std::string> hostname, user, proxy_jump;
    std::optional<std::int64_t> port;
    Texts identity_file;
    Checking checking = Checking::unmanaged;
    Options options;
    std::optional<Path> config;
  };
  using Current = SshFile;

  static void describe(Schema<Desired>& s) {
    s.summary("A host's block in the person's ~/.ssh/config; comments and all other blocks stay as they are.");
    s.named_by("name");
    s.person(&Desired::person);
    s.required("name", &Desired::name, "The alias: what is typed after `ssh`.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "Whether the file is to have the block. With present, lines of the block that are not named here "
             "stay; an "
             "empty text names none.");
    s.optional("hostname", &Desired::hostname, "The host's address or full name.").for_present();
    s.optional("user", &Desired::user, "The user to log in as.").for_present();
    s.optional("port", &Desired::port, "The port of its sshd.").for_present();
    s.optional("identity_file", &Desired::identity_file, "The private key, or several.").for_present();
    s.one_of(
         "strict_host_key_checking", &Desired::checking,
         {{"yes", Checking::yes},
          {"no", Checking::no},
          {"ask", Checking::ask},
          {"accept-new", Checking::accept_new}},
         "What ssh does about a host key that it does not know. accept-new trusts the first one that it sees; "
         "no also trusts one that changed, which is what an attacker would need.")
        .for_present();
    s.optional("proxy_jump", &Desired::proxy_jump, "The host, or hosts, to go through.").for_present();
    s.optional(
         "options", &Desired::options,
         "Further keywords of ssh_config(5), each with what stands behind it; a list for one that may be there "
         "several times, null for one that must not be there.")
        .for_present();
    s.optional("config", &Desired::config, "The file. Default: the person's ~/.ssh/config.");
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&SshHost::check);
    s.example("A machine in the cloud",
              R"({"type": "ssh_host", "name": "mlops-zoomcamp", "hostname": "192.0.2.7",
  "user": "ubuntu", "identity_file": "~/.ssh/key.pem", "strict_host_key_checking": "accept-new"})");
    s.example("Through another host, with a forwarded port", R"({"type": "ssh_host", "name": "notebooks",
  "hostname": "10.0.0.4", "proxy_jump": "gate.example.org",
  "options": {"LocalForward": ["8888 localhost:8888", "5000 localhost:5000"], "ServerAliveInterval": 30}})");
    s.example("No such block", R"({"type": "ssh_host", "name": "old-machine", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    const bool bad = d.name.empty() || d.name.starts_with('-') ||
                     d.name.find_first_of(" \t\r\n\"'#*?!,=\\/@") != std::string::npos;
    if (bad) c.error("name", fmt::format("`{}` is no alias of one host", d.name));
    if (d.port && (*d.port < 1 || *d.port > 65535))
      c.error("port", fmt::format("{} is no port (1 to 65535)", *d.port));
    for (const auto& [name, text] :
         {std::pair{"hostname", &d.hostname}, {"user", &d.user}, {"proxy_jump", &d.proxy_jump}})
      if (*text) check_value(name, **text, c);
    for (const std::string& file : d.identity_file.list) check_value("identity_file", file, c);
    for (const SshOption& option : d.options) check_option(d, option, c);
  }

  static Claims claims(const Desired& d) {
    return {{.key = config(d), .access = Claim::Access::edits, .subkey = "Host " + d.name}};
  }
  static Actor actor(const Desired& d) { return {Actor::Kind::path, config(d), ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    return read_ssh_file(machine.files(), config(d));
  }

  //  current \ desired       present                                     absent
  //  no file                 make it, 0600, and ~/.ssh, 0700             –
  //  no block of the host    add it, before one that also matches        –
  //  a block                 the lines that differ                       remove it
  //  named beside others,    error with the line                         error with the line (beside others)
  //  or overridden
  //  others may write        revoke that permission: ssh refuses the file –
  static Diff diff(const Desired& d, const Current& c) {
    Diff diff;
    const std::string path = config(d), before = c.text.value_or("");
    const std::vector<SshOption> wanted = wishes(d);
    const bool present = d.state == State::present, there = has_ssh_host(before, d.name);
    const std::string after =
        present ? with_ssh_host(before, d.name, wanted, shown(d)) : without_ssh_host(before, d.name, shown(d));
    if (after != before) {
      if (present && there)
        name_options(ssh_host_options(before, d.name, wanted), ssh_host_options(after, d.name, wanted), diff);
      else
        diff.changes.push_back(present ? Change::create() : Change::remove());
      diff.changes.front().text_diff = unified_diff(before, after);
      write_ssh_file(c, after, diff);
    }
    constexpr std::uint32_t others_write = 0022;
    if (present && c.text && (c.mode & others_write)) {
      const std::uint32_t mode = c.mode & ~others_write;
      diff.changes.push_back({"mode", fmt::format("{:04o}", c.mode), fmt::format("{:04o}", mode)});
      diff.actions.push_back(SetAttributes{.path = path, .mode = mode});
    }
    return diff;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("name", d.name);
    if (d.config) v.set("config", d.config->text);
    v.set("state", "absent");
    return v;
  }

  static Value outputs(const Desired& d, const Current&) {
    Value v;
    v.set("name", d.name);
    v.set("config", config(d));
    return v;
  }

 private:
  static std::string config(const Desired& d) {
    return d.config ? d.config->text : d.person.home + "/.ssh/config";
  }
  static std::string shown(const Desired& d) {
    const std::string path = config(d), home = d.person.home + "/";
    return path.starts_with(home) ? "~/" + path.substr(home.size()) : path;
  }

  // ssh has no syntax for a quote or a line break inside a value.
  static void check_value(const char* parameter, const std::string& value, Checker& c) {
    const bool control =
        std::any_of(value.begin(), value.end(), [](char x) { return static_cast<unsigned char>(x) < 32; });
    if (control) c.error(parameter, "control characters cannot stand in ssh's configuration");
    if (value.find('"') != std::string::npos) c.error(parameter, "a quote cannot stand in ssh's configuration");
    if (value.starts_with('=')) c.error(parameter, "ssh would read over the `=` at its begin");
  }

  static void check_option(const Desired& d, const SshOption& option, Checker& c) {
    static constexpr auto own = std::to_array<std::string_view>(
        {"HostName", "User", "Port", "IdentityFile", "StrictHostKeyChecking", "ProxyJump"});
    static constexpr auto parameters = std::to_array<std::string_view>(
        {"hostname", "user", "port", "identity_file", "strict_host_key_checking", "proxy_jump"});
    const auto place = std::find(own.begin(), own.end(), option.keyword) - own.begin();
    if (place < std::ssize(own))
      c.error("options", fmt::format("`{}` has a parameter of its own", option.keyword),
              fmt::format("write it as `{}`", parameters[static_cast<std::size_t>(place)]));
    if (!is_ssh_line(option.keyword, "x"))
      return c.error("options", fmt::format("`{}` cannot be a line of a host's block", option.keyword),
                     "a keyword is one word; Host, Match and Include stand outside of blocks");
    if (!ssh_keyword(option.keyword) && !is_to_be_ignored(d))
      c.error("options", fmt::format("ssh_config(5) has no keyword `{}`", option.keyword),
              nearest(option.keyword));
    if (&option != &*std::find_if(d.options.begin(), d.options.end(),
                                  [&](const SshOption& o) { return o.keyword == option.keyword; }))
      c.error("options", fmt::format("`{}` is given twice", option.keyword));
    if (option.values.size() > 1 && !is_collected(option.keyword))
      c.error("options", fmt::format("of `{}` ssh takes only the first value", option.keyword));
    for (const std::string& value : option.values)
      if (value.empty() ||
          std::any_of(value.begin(), value.end(), [](char x) { return static_cast<unsigned char>(x) < 32; }))
        c.error("options", fmt::format("`{}` needs a value of one line", option.keyword));
      else if (!is_ssh_line(option.keyword, value))
        c.error("options", fmt::format("ssh would not read the value of `{}` as it is written", option.keyword),
                "a `#` behind a blank begins a comment, a `=` at the begin is read over");
  }
  // With IgnoreUnknown, unknown keywords are allowed.
  static bool is_to_be_ignored(const Desired& d) {
    return std::any_of(d.options.begin(), d.options.end(),
                       [](const SshOption& o) { return o.keyword == "IgnoreUnknown"; });
  }
  static std::string nearest(const std::string& word) {
    for (std::size_t limit = 1; limit <= 1 + word.size() / 4; ++limit)
      for (const std::string_view keyword : ssh_keywords())
        if (edit_distance_within(word, keyword, limit) <= limit)
          return fmt::format("did you mean `{}`?", keyword);
    return "";
  }

  static std::string quoted(const std::string& value) {
    return value.find_first_of(" \t#") == std::string::npos ? value : '"' + value + '"';
  }
  static std::string in_word(Checking checking) {
    switch (checking) {
      case Checking::yes:
        return "yes";
      case Checking::no:
        return "no";
      case Checking::ask:
        return "ask";
      case Checking::accept_new:
        return "accept-new";
      case Checking::unmanaged:
        break;
    }
    return "";
  }

  // The lines of the block, in the customary order.
  static std::vector<SshOption> wishes(const Desired& d) {
    std::vector<SshOption> all;
    const auto given = [](const std::optional<std::string>& text) { return text && !text->empty(); };
    if (given(d.hostname)) all.push_back({"HostName", {quoted(*d.hostname)}});
    if (given(d.user)) all.push_back({"User", {quoted(*d.user)}});
    if (d.port) all.push_back({"Port", {std::to_string(*d.port)}});
    SshOption keys{"IdentityFile", {}};
    for (const std::string& file : d.identity_file.list)
      if (!file.empty()) keys.values.push_back(quoted(file));
    if (!keys.values.empty()) all.push_back(std::move(keys));
    if (d.checking != Checking::unmanaged) all.push_back({"StrictHostKeyChecking", {in_word(d.checking)}});
    if (given(d.proxy_jump)) all.push_back({"ProxyJump", {quoted(*d.proxy_jump)}});
    all.insert(all.end(), d.options.begin(), d.options.end());
    return all;
  }

  static Value values_text(const std::vector<std::string>& values) {
    if (values.empty()) return {};
    if (values.size() == 1) return values[0];
    return Value::Array(values.begin(), values.end());
  }
  static void name_options(const std::vector<SshOption>& before, const std::vector<SshOption>& after,
                           Diff& diff) {
    for (std::size_t i = 0; i < before.size(); ++i)
      if (before[i] != after[i])
        diff.changes.push_back(
            {before[i].keyword, values_text(before[i].values), values_text(after[i].values)});
  }
};

}  // namespace

MLOPS_MODULE(SshHost);

}  // namespace mlops::modules
