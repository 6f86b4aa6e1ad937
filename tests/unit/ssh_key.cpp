// CreateSshKey for real and in an overlay, and how it is undone; public halves of private keys.
#include <cstdio>
#include <iterator>

#include "domains/accounts/local.hpp"
#include "domains/before.hpp"
#include "domains/domains.hpp"
#include "domains/files/local.hpp"
#include "domains/files/overlay.hpp"
#include "domains/inverse.hpp"
#include "ssh/key_pair.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

struct Writing {
  LocalAccounts accounts;
  OwnerNames names{accounts};
  Walker walker{::geteuid() == 0, 4711};
  FileWriter writer{walker, names, {}};
  LocalFiles files{walker, names};

  std::string perform(const CreateSshKey& action) {  // "" or the error
    try {
      writer.perform(action);
      return "";
    } catch (const Error& e) {
      return e.what();
    }
  }
};

// What a program prints, without its last newline.
std::string output_of(const std::string& command) {
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  std::string text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  ::pclose(pipe);
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

// "TYPE BASE64"
std::string without_comment(const std::string& line) {
  return line.substr(0, line.find_first_of(" \n", line.find(' ') + 1));
}

std::string refusal(OverlayFiles& overlay, const CreateSshKey& action, const Writing& w) {
  try {
    overlay.apply(action, w.files, {"root", "root", "ec2_key_pair[box]"});
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace

TEST_CASE("a new key pair is its owner's alone, and ssh-keygen reads the same public half from it") {
  struct Row {
    CreateSshKey::Type type;
    std::uint64_t bits;
    const char *begin, *kind;
  };
  const auto row =
      GENERATE(Row{CreateSshKey::Type::ed25519, 0, "-----BEGIN OPENSSH PRIVATE KEY-----", "(ED25519)"},
               Row{CreateSshKey::Type::rsa, 2048, "-----BEGIN ", "(RSA)"});
  const TemporaryFolder t;
  Writing w;
  const std::string path = t / "box.pem";
  CHECK(w.perform({.path = path, .type = row.type, .bits = row.bits, .comment = "ada's box"}) == "");
  CHECK(mode_of(path) == 0400);
  CHECK(mode_of(path + ".pub") == 0644);
  const std::string text = content_of(path), line = content_of(path + ".pub");
  CHECK(text.starts_with(row.begin));
  CHECK(text.ends_with("PRIVATE KEY-----\n"));
  CHECK(line.ends_with(" ada's box\n"));
  CHECK(output_of("ssh-keygen -y -P '' -f " + path) == without_comment(line));
  CHECK(output_of("ssh-keygen -l -f " + path + ".pub").ends_with(row.kind));
  CHECK(public_half(text) == without_comment(line));
  CHECK(std::distance(std::filesystem::directory_iterator(t / ""), {}) == 2);
}

TEST_CASE("each key is another one") {
  const TemporaryFolder t;
  Writing w;
  CHECK(w.perform({.path = t / "a", .mode = 0600}) == "");
  CHECK(w.perform({.path = t / "b"}) == "");
  CHECK(mode_of(t / "a") == 0600);
  CHECK(content_of(t / "a.pub") != content_of(t / "b.pub"));
}

TEST_CASE("a key is never overwritten, in a plan neither") {
  const char* existing = GENERATE("k", "k.pub", "link", "link.pub");
  const TemporaryFolder t;
  const std::string name = std::string(existing).substr(0, std::string(existing).find('.'));
  if (name == "link")
    t.link(existing, t / "nowhere");
  else
    t.file(existing, "old", 0640);
  Writing w;
  OverlayFiles overlay;
  const std::string words = (t / existing) + " exists already: a key is never overwritten";
  CHECK(refusal(overlay, {.path = t / name}, w) == words);
  CHECK(w.perform({.path = t / name}) == words);
  CHECK(std::distance(std::filesystem::directory_iterator(t / ""), {}) == 1);
  if (name == "k") CHECK(content_of(t / existing) == "old");
  CHECK(w.perform({.path = t / "none/k"}) == "the folder of " + (t / "none/k") + " does not exist");
}

TEST_CASE("in a plan both files are there, with contents that nobody knows") {
  const TemporaryFolder t;
  Writing w;
  OverlayFiles overlay;
  CHECK(refusal(overlay, {.path = t / "k", .mode = 0600}, w) == "");
  CHECK(overlay.view(w.files, t / "k", 0)->status.mode == 0600);
  CHECK(overlay.view(w.files, t / "k.pub", 0)->status.mode == 0644);
  CHECK_THROWS_AS(overlay.view(w.files, t / "k", 4096), Unknown);
  CHECK_THROWS_AS(overlay.view(w.files, t / "k.pub", 4096), Unknown);
  CHECK(std::filesystem::is_empty(t / ""));
}

TEST_CASE("an undo takes both files away, and only if neither was there before") {
  const auto at = [](const char* path, SavedPath::Kind kind) {
    SavedPath saved;
    saved.path = path, saved.kind = kind;
    return saved;
  };
  const CreateSshKey action{.path = "/link/k"};
  Before before;
  before.paths = {at("/real/k", SavedPath::Kind::absent), at("/real/k.pub", SavedPath::Kind::absent)};
  const Inverse back = invert(action, before);
  REQUIRE(back.actions.size() == 2);
  CHECK(std::get<RemovePath>(back.actions[0]) == RemovePath{.path = "/real/k.pub"});
  CHECK(std::get<RemovePath>(back.actions[1]) == RemovePath{.path = "/real/k", .sensitive = true});
  CHECK(back.stays.empty());
  Things things;
  touch(action, before, things);
  CHECK(things == Things{"path /real/k", "path /real/k.pub"});  // whose states tell that nobody changed them
  for (const std::size_t one : {0u, 1u}) {
    Before there = before;
    there.paths[one].kind = SavedPath::Kind::file;
    CHECK(invert(action, there).actions.empty());
  }
}

TEST_CASE("the public half of what is no private key, or a locked one, is absent") {
  CHECK(!public_half(""));
  CHECK(!public_half("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"));
  const TemporaryFolder t;
  REQUIRE(output_of("ssh-keygen -q -t ed25519 -N secret -f " + (t / "k")) == "");
  CHECK(!public_half(content_of(t / "k")));
}
