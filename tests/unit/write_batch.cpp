#include "engine/write_batch.hpp"

#include "support/catch.hpp"
#include "support/engine_parts.hpp"

using namespace mlops;
using test::EngineParts;
using test::Lines;

namespace {

constexpr const char* three_files = R"([
    {"type": "file", "path": "/a", "content": "1"}, {"type": "file", "path": "/b", "content": "2"},
    {"type": "file", "path": "/c", "content": "3"}])";

attempted::Waiting write(const std::string& path, const std::string& content) {
  return {{{{.property = "content", .after = content}}, {WriteFile{.path = path, .content = content}}}, {}};
}

}  // namespace

TEST_CASE("writes that wait are performed together, and concluded in their order") {
  EngineParts parts(three_files);
  parts.batch.add(parts.instance(0), write("/a", "1"));
  parts.batch.add(parts.instance(1), write("/b", "2"));
  CHECK(parts.host.log.empty());
  CHECK(parts.concluded.empty());
  parts.batch.perform();
  CHECK(parts.host.together == std::vector<std::size_t>{2});
  CHECK(parts.host.log == Lines{"root: write /a", "root: write /b"});
  CHECK(parts.concluded == Lines{"file[/a] changed", "file[/b] changed"});
  CHECK(parts.batch.empty());
}

TEST_CASE("what has nothing to write waits for its place in the order") {
  EngineParts parts(three_files);
  parts.batch.add(parts.instance(0), write("/a", "1"));
  parts.batch.add(parts.instance(1), {});
  parts.batch.add(parts.instance(2), write("/c", "3"));
  parts.batch.perform();
  CHECK(parts.concluded == Lines{"file[/a] changed", "file[/b] ok", "file[/c] changed"});
  CHECK(parts.host.together == std::vector<std::size_t>{2});
}

TEST_CASE("a write that fails, and one that has no effect, are concluded apart from the others") {
  EngineParts parts(three_files);
  parts.host.failing["/a"] = "no";
  parts.host.idle.insert("/b");
  parts.batch.add(parts.instance(0), write("/a", "1"));
  parts.batch.add(parts.instance(1), write("/b", "2"));
  parts.batch.add(parts.instance(2), write("/c", "3"));
  parts.batch.perform();
  CHECK(parts.concluded == Lines{"file[/a] failed: no",
                                 "file[/b] not_converged: after the change, content is absent, expected 2",
                                 "file[/c] changed"});
}

TEST_CASE("when cancelled, writes are dropped without a result") {
  EngineParts parts(three_files);
  parts.batch.add(parts.instance(0), write("/a", "1"));
  parts.batch.add(parts.instance(1), {});
  parts.cancellation.cancel();
  parts.batch.perform();
  CHECK(parts.host.log.empty());
  CHECK(parts.concluded == Lines{"file[/b] ok"});
}

TEST_CASE("only plain resources that nothing waits for may wait, all of one type and identity") {
  EngineParts parts(R"([
    {"type": "file", "path": "/a", "content": "1"}, {"type": "file", "path": "/b", "content": "2"},
    {"type": "link", "path": "/c", "target": "x"}, {"type": "file", "path": "/d", "content": "{{vars.x}}"},
    {"type": "file", "path": "/e", "content": "1", "when": {"vars.x": 1}},
    {"type": "file", "path": "/f", "content": "1", "notify": "s"},
    {"type": "file", "path": "/g", "content": "1", "retry": {"times": 1}},
    {"type": "unit", "id": "s", "name": "u"}])");
  CHECK(parts.batch.accepts(parts.resource(0)));
  CHECK(parts.batch.accepts(parts.resource(2)));
  for (std::size_t i = 3; i < 8; ++i) CHECK(!parts.batch.accepts(parts.resource(i)));
  parts.batch.add(parts.instance(0), write("/a", "1"));
  CHECK(parts.batch.accepts(parts.resource(1)));
  CHECK(!parts.batch.accepts(parts.resource(2)));
  CHECK(parts.batch.accepts(Identity{"root"}));
  CHECK(!parts.batch.accepts(Identity{"ubuntu"}));
}

TEST_CASE("what claims the path of a waiting write waits for it, also through a link") {
  EngineParts parts(three_files);
  parts.batch.add(parts.instance(0), write("/a", "1"));
  CHECK(parts.batch.is_awaited_by(parts.instance(0)));
  Instance other = parts.instance(1);
  CHECK(!parts.batch.is_awaited_by(other));
  other.real_claims = parts.instance(0).claims;
  CHECK(parts.batch.is_awaited_by(other));
}
