// ec2_key_pair: a named key pair of EC2 whose private half is a file of this machine.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "domains/cloud/public_key.hpp"
#include "domains/files/attributes.hpp"
#include "domains/files/paths.hpp"
#include "resource/cloud.hpp"
#include "resource/module.hpp"
#include "resource/parent_folder.hpp"

namespace mlops::modules {
namespace {

struct Ec2KeyPair {
  static constexpr auto type = "ec2_key_pair";
  static constexpr bool settles = true;  // lists of EC2 lag behind
  enum class State { present, absent };
  using KeyType = CreateSshKey::Type;

  struct Desired : CloudAccount {
    PersonOf person;
    std::string name;
    std::optional<Path> file;
    KeyType key_type = KeyType::ed25519;
    std::optional<std::int64_t> bits;
    Mode mode{0400};
    State state = State::present;
  };
  struct Current {
    std::optional<CloudKeyPair> key_pair;  // of the account
    // Of the private key's file; absent if there is none.
    std::optional<FileStatus> file;
    bool public_file = false;               // PATH.pub exists
    std::optional<std::string> public_key;  // of the file
    bool ssh_folder = true;                 // the file's folder exists
    std::string missing;                    // that folder's parent, if it is absent too
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A named key pair of EC2: its private half is a file here, made here, and never leaves.");
    s.named_by("name");
    s.person(&Desired::person);
    s.required("name", &Desired::name, "Its name in the account's region.");
    s.optional("file", &Desired::file,
               "The private key. If it does not exist it is made, with its public half beside it "
               "(PATH.pub); if it does, its public half is imported. It is never overwritten. Default: "
               "~/.ssh/NAME.pem.")
        .for_present();
    s.one_of("key_type", &Desired::key_type, {{"ed25519", KeyType::ed25519}, {"rsa", KeyType::rsa}},
             "The type of a key that is made; one that exists may be of either. rsa for clients that read no "
             "other.")
        .for_present();
    s.optional("bits", &Desired::bits, "The length of an RSA key that is made: 2048 or 4096. Default: 4096.")
        .for_present();
    s.optional("mode", &Desired::mode, "Permission bits of the private key.").for_present();
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "absent: the key pair is deleted from the account. The files stay, and instances that were "
             "launched with it keep letting the key in.");
    describe_account(s);
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&Ec2KeyPair::check);
    s.example("A key for the machines of a course",
              R"({"type": "ec2_key_pair", "name": "mlops-zoomcamp", "region": "eu-central-1"})");
    s.example("An RSA key, at a path of its own",
              R"({"type": "ec2_key_pair", "name": "old-client", "file": "~/keys/old-client.pem",
  "key_type": "rsa", "bits": 2048, "mode": "0600"})");
    s.example("No such key pair in the account",
              R"({"type": "ec2_key_pair", "name": "mlops-zoomcamp", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    const auto odd = [](char x) {
      return static_cast<unsigned char>(x) < ' ' || static_cast<unsigned char>(x) > '~';
    };
    if (d.name.empty() || d.name.size() > 255 || d.name.front() == ' ' || d.name.back() == ' ' ||
        std::any_of(d.name.begin(), d.name.end(), odd))
      c.error("name", fmt::format("`{}` cannot be the name of a key pair", d.name),
              "1 to 255 printable characters of ASCII, no blank at either end");
    check_account(d, c);
    if (d.state == State::absent) return;
    if (!d.file && (d.name.find('/') != d.name.npos || d.name.starts_with('.')))
      c.error("name", "no file can be named after it", "give `file`");
    if (d.file && (d.file->text == "/" || d.file->text.ends_with(".pub")))
      c.error("file", fmt::format("{} cannot be the private key", d.file->text));
    if (d.bits && d.key_type != KeyType::rsa)
      c.error("bits", "only RSA keys have `bits`", "set `key_type` to rsa");
    if (d.bits && *d.bits != 2048 && *d.bits != 4096)
      c.error("bits", fmt::format("EC2 takes no RSA key of {} bits", *d.bits), "2048 or 4096");
    if ((d.mode.bits & 0400) == 0 || (d.mode.bits & 07177) != 0)
      c.error("mode", fmt::format("ssh uses no private key with the mode {}", octal(d.mode.bits)),
              "its owner reads it, and nobody else: \"0400\" or \"0600\"");
  }

  static Claims claims(const Desired& d) {
    Claims claims{cloud_claim(type, d, d.name)};
    if (d.state == State::present) claims.push_back({.key = path(d)});
    return claims;
  }
  static Actor actor(const Desired&) { return {Actor::Kind::person, "", ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    Current c;
    c.key_pair = machine.cloud().key_pair(scope_of(d), d.name);
    if (d.state == State::absent) return c;
    const FileReader& files = machine.files();
    c.file = files.status(files.resolve(path(d)).value_or(path(d)));
    c.public_file = files.exists(public_path(d));
    if (c.file && c.file->type == FileType::regular) c.public_key = machine.cloud().public_key(path(d));
    const std::string folder(folder_of(path(d)));
    c.ssh_folder = files.exists(folder);
    if (!c.ssh_folder) c.missing = missing_parent(folder, files);
    return c;
  }

  //  account \ file   none                                the key's             another key's
  //  none             make it (and its folder); import    import                import
  //  key pair         error: its private half is missing  mode; a missing .pub  error with both fingerprints
  //
  //  state absent: a key pair is deleted, whatever the file is.
  static Diff diff(const Desired& d, const Current& c) {
    if (d.state == State::absent) return deletion(d, c);
    if (c.file && c.file->type != FileType::regular)
      throw Error(fmt::format("{} is {}, not a private key", path(d), to_text(c.file->type)));
    if (c.file && !c.public_key) throw Error(fmt::format("{} is no private key", path(d)));
    Diff diff;
    check_account_key(d, c);
    if (!c.file)
      make_key(d, c, diff);
    else
      keep_key(d, c, diff);
    if (c.key_pair) return diff;
    diff.changes.insert(diff.changes.begin(), Change::create());
    diff.actions.push_back(ImportKeyPair{.scope = scope_of(d), .name = d.name, .file = path(d)});
    return diff;
  }

  static Value removal(const Desired& d) {
    return d.state == State::absent ? Value(false) : cloud_removal(type, d, d.name);
  }

  static Value outputs(const Desired& d, const Current& c) {
    Value v;
    v.set("name", d.name);
    if (d.state == State::absent) return v;
    v.set("file", path(d));
    v.set("public_key", c.public_key ? Value(*c.public_key) : Value());
    v.set("fingerprint", c.public_key ? Value(fingerprint_of_key(*c.public_key)) : Value());
    return v;
  }

 private:
  static std::string path(const Desired& d) {
    return d.file ? d.file->text : fmt::format("{}/.ssh/{}.pem", d.person.home, d.name);
  }
  static std::string public_path(const Desired& d) { return path(d) + ".pub"; }

  static Diff deletion(const Desired& d, const Current& c) {
    if (!c.key_pair) return {};
    return {{Change::remove()}, {DeleteKeyPair{scope_of(d), d.name}}};
  }

  static void check_account_key(const Desired& d, const Current& c) {
    if (!c.key_pair) return;
    constexpr auto advice =
        "give the resource another name, or let `file` be the private key of that one, or delete it first "
        "(state absent)";
    if (!c.file)
      throw Error(
          fmt::format("the account has a key pair `{}` (fingerprint {}), and its private half is not at "
                      "{}: {}",
                      d.name, c.key_pair->fingerprint, path(d), advice));
    if (!is_same_key(*c.public_key, c.key_pair->public_key))
      throw Error(
          fmt::format("the account has another key under the name `{}`: EC2 shows the fingerprint {} for "
                      "it, and {} has {}: {}",
                      d.name, c.key_pair->fingerprint, path(d), fingerprint_of_key(*c.public_key), advice));
  }

  static void make_key(const Desired& d, const Current& c, Diff& diff) {
    if (c.public_file)
      throw Error(
          fmt::format("{} exists, and {} does not: it is the public half of some other key; move it away "
                      "or choose another `file`",
                      public_path(d), path(d)));
    if (!c.missing.empty()) throw no_parent(c.missing, path(d));
    const bool rsa = d.key_type == KeyType::rsa;
    const auto bits = static_cast<std::uint64_t>(rsa ? d.bits.value_or(4096) : 0);
    if (!c.ssh_folder) {
      const std::string folder(folder_of(path(d)));
      diff.changes.push_back({.property = "folder", .after = folder});
      diff.actions.push_back(CreateDirectory{.path = folder, .mode = 0700});
    }
    diff.changes.push_back({.property = "private key", .after = path(d)});
    diff.changes.push_back({.property = "key_type", .after = rsa ? fmt::format("rsa {}", bits) : "ed25519"});
    diff.changes.push_back({.property = "mode", .after = octal(d.mode.bits)});
    diff.actions.push_back(CreateSshKey{
        .path = path(d), .type = d.key_type, .bits = bits, .comment = d.name, .mode = d.mode.bits});
  }

  static void keep_key(const Desired& d, const Current& c, Diff& diff) {
    const std::string kind = type_of_key(*c.public_key);
    if (kind != "ssh-ed25519" && kind != "ssh-rsa")
      throw Error(
          fmt::format("EC2 takes only RSA and ED25519 keys, and {} is of the type {}: choose another "
                      "`file`",
                      path(d), kind.empty() ? "unknown" : kind));
    if (!c.public_file) {
      diff.changes.push_back({.property = "public half", .after = public_path(d)});
      diff.actions.push_back(WriteFile{.path = public_path(d), .content = *c.public_key + "\n", .mode = 0644});
    }
    if (c.file->mode == d.mode.bits) return;
    diff.changes.push_back({.property = "mode", .before = octal(c.file->mode), .after = octal(d.mode.bits)});
    diff.actions.push_back(SetAttributes{.path = path(d), .mode = d.mode.bits});
  }
};

}  // namespace

MLOPS_MODULE(Ec2KeyPair);

}  // namespace mlops::modules
