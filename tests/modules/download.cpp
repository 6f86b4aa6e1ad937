#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::string a(64, 'a'), b(64, 'b');
const std::string url = "https://example.org/v1/tool";
const std::string plain = R"({"path": "/opt/tool", "url": "https://example.org/v1/tool"})";

std::string with(const std::string& members) {
  return plain.substr(0, plain.size() - 1) + ", " + members + "}";
}
std::string digest(const std::string& sha256) { return R"("sha256": ")" + sha256 + "\""; }
const std::string sums = R"("sha256_url": "https://example.org/v1/sums")";

std::string changes(const Diff& diff) {
  std::string text;
  for (const Change& c : diff.changes)
    text += (text.empty() ? "" : ", ") + c.property + " " + c.before.to_text() + ">" + c.after.to_text();
  return text;
}

std::string failure(const std::string& json, const MachineReader& machine) {
  try {
    try_module("download", json, machine);
  } catch (const std::exception& e) {
    return e.what();
  }
  return "no failure";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct World : FakeMachine {
  World() { f.folder("/opt"); }
  void file(const std::string& sha256, std::uint32_t mode = 0644) {
    f.file("/opt/tool", "content", mode);
    f.digests["/opt/tool"] = sha256;
  }
};

}  // namespace

TEST_CASE("a download that is absent is fetched, with mode 0644") {
  const World w;
  const Tried t = try_module(
      "download", with(digest(a) + R"(, "owner": "ubuntu", "size_limit": "1MB", "timeout": "5m")"), w);
  CHECK(changes(t.diff) ==
        "exists false>true, content null>sha256 aaaaaaaaaaaa, mode null>0644, owner null>ubuntu");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* d = action<Download>(t.diff, 0);
  REQUIRE(d);
  CHECK(d->url == url);
  CHECK(d->path == "/opt/tool");
  CHECK(d->sha256 == a);
  CHECK(d->mode == 0644u);
  CHECK(d->owner == "ubuntu");
  CHECK(d->size_limit == 1000000);
  CHECK(d->timeout_ms == 300'000);
}

TEST_CASE("a download of an unknown digest says where the content comes from") {
  const World w;
  CHECK(changes(try_module("download", plain, w).diff) ==
        "exists false>true, content null>what https://example.org/v1/tool has, mode null>0644");
}

TEST_CASE(
    "a download with the expected digest is converged, of either case, known from its content or proved") {
  World w;
  w.file(a);
  CHECK(try_module("download", with(digest(a)), w).diff.empty());
  CHECK(try_module("download", with(digest(std::string(64, 'A'))), w).diff.empty());
  w.f.digests.clear();
  w.d.proofs["/opt/tool"] = a;
  CHECK(try_module("download", with(digest(a)), w).diff.empty());
}

TEST_CASE("a download with another digest is fetched and keeps its mode") {
  World w;
  w.file(b, 0700);
  const Tried t = try_module("download", with(digest(a)), w);
  CHECK(changes(t.diff) == "content sha256 bbbbbbbbbbbb>sha256 aaaaaaaaaaaa");
  REQUIRE(action<Download>(t.diff, 0));
  CHECK_FALSE(action<Download>(t.diff, 0)->mode);
}

TEST_CASE("a download with another digest or owner loses the set-user-ID bit, its capabilities and its links") {
  World w;
  w.file(b, 04755);
  for (auto& [path, view] : w.f.entries)
    if (view.status.type == FileType::regular) {
      view.status.links = 2;
      w.f.granted[path] = {"cap_net_raw=ep", {}, {}};
    }
  CHECK(
      changes(try_module("download", with(digest(a)), w).diff) ==
      "content sha256 bbbbbbbbbbbb>sha256 aaaaaaaaaaaa, mode 4755>0755, capabilities cap_net_raw=ep>null, hard "
      "links 2>1");
  CHECK(changes(try_module("download", with(digest(b) + R"(, "owner": "ann")"), w).diff) ==
        "mode 4755>0755, owner root>ann, capabilities cap_net_raw=ep>null");
}

TEST_CASE("a published digest is asked for only when nothing was proved") {
  World w;
  w.file(a);
  w.d.proofs["/opt/tool"] = a;
  CHECK(try_module("download", with(sums), w).diff.empty());  // the fake has no answer for the URL
  w.d.proofs.clear();
  CHECK(failure(with(sums), w) == "GET https://example.org/v1/sums: 404 Not Found");
  w.d.published["https://example.org/v1/sums"] = a;
  CHECK(try_module("download", with(sums), w).diff.empty());
  w.d.published["https://example.org/v1/sums"] = b;
  const Tried t = try_module("download", with(sums), w);
  CHECK(changes(t.diff) == "content sha256 aaaaaaaaaaaa>sha256 bbbbbbbbbbbb");
  REQUIRE(action<Download>(t.diff, 0));
  CHECK(action<Download>(t.diff, 0)->sha256 == b);
  CHECK(action<Download>(t.diff, 0)->sha256_url == "https://example.org/v1/sums");
}

TEST_CASE("without a digest the server is asked whether the file is unchanged") {
  World w;
  w.file(a);
  w.d.same.insert("/opt/tool");
  CHECK(try_module("download", plain, w).diff.empty());
  w.d.same.clear();
  w.d.proofs["/opt/tool"] = a;
  CHECK(changes(try_module("download", plain, w).diff) ==
        "content sha256 aaaaaaaaaaaa>what https://example.org/v1/tool has");
}

TEST_CASE("an empty digest is as none") {
  World w;
  w.file(a);
  w.d.same.insert("/opt/tool");
  CHECK(try_module("download", with(R"("sha256": "", "sha256_url": "")"), w).diff.empty());
}

TEST_CASE("mode, owner and group alone are set without fetching") {
  World w;
  w.file(a, 0600);
  const Tried t =
      try_module("download", with(digest(a) + R"(, "mode": "0755", "owner": "ubuntu", "group": "docker")"), w);
  CHECK(changes(t.diff) == "mode 0600>0755, owner root>ubuntu, group root>docker");
  REQUIRE(t.diff.actions.size() == 1);
  const auto* set = action<SetAttributes>(t.diff, 0);
  REQUIRE(set);
  CHECK(set->mode == 0755u);
  CHECK(set->owner == "ubuntu");
  CHECK(set->group == "docker");
}

TEST_CASE("an owner given as a number is the account of that number") {
  World w;
  w.file(a);
  w.a.users["root"] = {.name = "root", .uid = 0};
  CHECK(try_module("download", with(digest(a) + R"(, "owner": "0")"), w).diff.empty());
  CHECK(changes(try_module("download", with(digest(a) + R"(, "owner": "7")"), w).diff) == "owner root>7");
}

TEST_CASE("a link to a file is looked at as the file") {
  World w;
  w.f.link("/opt/tool", "/opt/real");
  w.f.file("/opt/real", "content", 0755);
  w.d.proofs["/opt/tool"] = a;
  CHECK(try_module("download", with(digest(a) + R"(, "mode": "0755")"), w).diff.empty());
}

TEST_CASE("what is no file is replaced only with force, and a folder with content only with recursive too") {
  World w;
  w.f.folder("/opt/tool");
  CHECK(failure(with(digest(a)), w) == "/opt/tool is a folder, not a file; with `force` it would be replaced");
  const Tried t = try_module("download", with(digest(a) + R"(, "force": true)"), w);
  CHECK(changes(t.diff) == "type a folder>a file, content null>sha256 aaaaaaaaaaaa, mode null>0644");
  REQUIRE(action<RemovePath>(t.diff, 0));
  CHECK_FALSE(action<RemovePath>(t.diff, 0)->recursive);
  CHECK(action<Download>(t.diff, 1));
  w.f.file("/opt/tool/x", "");
  CHECK(failure(with(digest(a) + R"(, "force": true)"), w) ==
        "/opt/tool is a folder that has content; with `recursive` besides `force` it would be replaced");
  const Tried all = try_module("download", with(digest(a) + R"(, "force": true, "recursive": true)"), w);
  CHECK(action<RemovePath>(all.diff, 0)->recursive);
}

TEST_CASE("a link that leads nowhere is replaced only with force") {
  World w;
  w.f.link("/opt/tool", "/nowhere");
  CHECK(failure(with(digest(a)), w) ==
        "/opt/tool is a symbolic link, not a file; with `force` it would be replaced");
  const Tried t = try_module("download", with(digest(a) + R"(, "force": true)"), w);
  CHECK(action<RemovePath>(t.diff, 0));
  CHECK(action<Download>(t.diff, 1));
}

TEST_CASE("a folder that is missing above is named") {
  const FakeMachine bare;
  CHECK(failure(with(digest(a)), bare) ==
        "/opt does not exist, so /opt/tool cannot be made: give it a directory resource before this one");
}

TEST_CASE("mistakes in a download's parameters have their own messages") {
  const World w;
  CHECK(says(failure(R"({"path": "/x", "url": "ftp://a/b"})", w), "`ftp://a/b` is no http or https URL"));
  CHECK(says(failure(with(R"("sha256": "12")"), w), "a SHA-256 is 64 hex digits"));
  CHECK(says(failure(with(digest(a) + ", " + sums), w), "`sha256` and `sha256_url` are both given"));
  CHECK(says(failure(with(R"("recursive": true)"), w), "`recursive` is for `force`"));
  CHECK(says(failure(R"({"path": "/x", "url": "https://a/b/", "sha256_url": "https://a/s"})", w),
             "the URL does not end with a file's name"));
}

TEST_CASE("a download outputs its path and digest") {
  World w;
  w.file(a);
  const Tried t = try_module("download", with(digest(a)), w);
  const Value outputs = find_module("download")->outputs(t.desired, t.current).values;
  CHECK(to_json(outputs) == R"({"path":"/opt/tool","sha256":")" + a + "\"}");
}
