// Whatever bytes the other end of a connection sends: a message, or an error; never more memory than they are
// worth.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER … Otherwise a program that tries a bounded
// number of messages, made from the ones below by a generator that is always the same.
#include "hosts/protocol.hpp"

#include "../support/replay.hpp"
#include "require.hpp"

namespace {

using namespace mlops;

// What was understood can be said again, and is understood as the same.
template <class Message>
void try_one(std::string_view bytes, Message (*decode)(std::string_view)) {
  try {
    const std::string again = encode(decode(bytes));
    require(encode(decode(again)) == again, "a message is not what it was");
  } catch (const Error&) {
  }
}

Value nested(int depth) {
  Value v("leaf");
  for (int i = 0; i < depth; ++i) {
    Value::Array around;
    around.push_back(std::move(v));  // an initializer list would copy it, whole, at every level
    v = Value(std::move(around));
  }
  return v;
}

std::vector<std::string> to_far() {
  StartRun start;
  start.host = "web1";
  start.settings.only = {"a"};
  start.texts = {{"p.json", R"({"resources": []})"}};
  start.environment = {{"HOME", "/root"}};
  start.sources = {{"motd", {0, true, false, 3, ""}, std::string(64, 'a')}};
  HostValues other{"web2", "192.0.2.1", "me", 22, Value(Value::Object{}), {}};
  other.facts.set("os", "debian");
  other.resources["a"][""] = {Given::State::known, "file[a]", "", {nested(3), {"url"}}};
  return {encode(start),
          encode(BeginPass{true, {0, 1, 2}}),
          encode(RunPlay{1, {other}}),
          encode(EndPass{}),
          encode(Prepare{}),
          encode(AskPlan{}),
          encode(Prune{}),
          encode(AskRecorded{"last", ""}),
          encode(StartUndo{"web1", "last", "", true, false, true, 1}),
          encode(UndoPass{true}),
          encode(AskFacts{"os.id"}),
          encode(PasswordGiven{"secret"}),
          encode(FilesGiven{{{0, true, false, 3, "abc"}}}),
          encode(Stop{})};
}

std::vector<std::string> to_near() {
  ResourceFinished finished{"file[a]", "a", "file", "web1", "root"};
  finished.changes = {{"mode", "0644", "0600"}, {"content", Value(), nested(2), true}};
  PlayEnded ended;
  ended.resources["a"]["x"] = {Given::State::failed, "file[a]", "package[b]", {}};
  PassEnded pass;
  pass.mistakes = {{{"p.json", 1, 2}, "wrong", "right", {}, ""}};
  pass.pending = {{"root", "file[a]"}};
  PlanMade plan{{"web1", "digest", "me", "me"},
                {{.host = "web1", .label = "file[a]", .changes = finished.changes}}};
  RecordedTold recorded;
  recorded.runs = {{.number = 1, .id = "id", .counts = Value(1)}};
  recorded.steps = {"{}"};
  return {encode(plan),
          encode(recorded),
          encode(PruneEnded{}),
          encode(UndoRead{recorded.runs[0], {"x"}, {"y"}, ""}),
          encode(UndoEnded{}),
          encode(Happened{finished}),
          encode(Happened{PlayStarted{"one", "web1", {}}}),
          encode(ended),
          encode(pass),
          encode(Prepared{}),
          encode(FactsTold{nested(5)}),
          encode(PasswordWanted{}),
          encode(FilesWanted{{"a", "b"}}),
          encode(Failed{ErrorKind::privilege, "no"}),
          encode(Happened{ResourceStarted{"a", "b", "c"}})};
}

// 20 MB of nothing but nulls would be half a gigabyte of values.
void check_memory() {
  const std::string good = encode(FactsTold{Value(Value::Array{Value()})});
  const std::uint64_t count = 10'000'000;
  std::string bad = good.substr(0, good.size() - 10);  // before the count and the one value
  bad.append(reinterpret_cast<const char*>(&count), sizeof count).append(2 * count, '\0');
  bool refused = false;
  try {
    decode_to_controller(bad);
  } catch (const Error& e) {
    refused = std::string(e.what()).find("too much") != std::string::npos;
  }
  require(refused, "values that take much more memory than they have bytes were taken");
}

void check_counts() {
  // A message that announces 2^60 elements, and one with values nested without end.
  for (const std::string& good : to_near())
    for (std::size_t at = 0; at + 8 <= good.size(); ++at) {
      std::string bad = good;
      bad.replace(at, 8, std::string("\0\0\0\0\0\0\0\x10", 8));
      try_one(bad, decode_to_controller);
    }
  bool refused = false;
  try {
    decode_to_controller(encode(FactsTold{nested(5000)}));
  } catch (const Error&) {
    refused = true;
  }
  require(refused, "values nested without end were taken");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_one(bytes, decode_to_target);
  try_one(bytes, decode_to_controller);
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main(int argc, char** argv) {
  auto seeds = to_far();
  for (std::string& message : to_near()) seeds.push_back(std::move(message));
  for (const std::string& message : seeds)
    for (std::size_t cut = 0; cut < message.size(); ++cut) run(message.substr(0, cut));
  check_counts();
  check_memory();
  return replay(argc, argv, seeds);
}
#endif
