#include "report/json.hpp"

#include <cstdlib>

#include "support/catch.hpp"

using namespace mlops;

namespace {

// 2023-05-16T18:04:05.007Z
const std::chrono::system_clock::time_point moment{std::chrono::milliseconds{1684260245007}};

std::string written(const std::vector<Event>& events) {
  char* data = nullptr;
  std::size_t size = 0;
  std::FILE* file = open_memstream(&data, &size);
  JsonReport report(file, [] { return moment; });
  for (const Event& e : events) report(e);
  std::fclose(file);
  const std::string text(data, size);
  std::free(data);
  return text;
}

}  // namespace

TEST_CASE("every field of every event is there, null when there is nothing to say") {
  CHECK(
      written({RunStarted{"zoomcamp.json", "plan"}, PlayStarted{"", "local", {}}, ResourceFinished{},
               RunFinished{}}) ==
      R"({"event":"run","time":"2023-05-16T18:04:05.007Z","playbook":"zoomcamp.json","mode":"plan","hosts":null}
{"event":"play","time":"2023-05-16T18:04:05.007Z","name":null,"host":"local","skipped":null}
{"event":"resource","time":"2023-05-16T18:04:05.007Z","label":null,"id":null,"type":null,"host":null,"as":null,)"
      R"("outcome":"ok","changes":[],"seconds":0.000000,"reason":null,"output":null,"note":null}
{"event":"summary","time":"2023-05-16T18:04:05.007Z","ok":0,"changed":0,"would_change":0,"unknown":0,"skipped":0,)"
      R"("failed":0,"not_converged":0,"seconds":0.000000,"interrupted":false,"exit_status":0,"show":[],"hosts":[]}
)");
}

TEST_CASE("a notice is reported with its host") {
  CHECK(
      written({NoticeGiven{"box", "an earlier run was cut off"}}) ==
      R"({"event":"notice","time":"2023-05-16T18:04:05.007Z","host":"box","text":"an earlier run was cut off"})"
      "\n");
}

TEST_CASE("a cloud account is reported with where its credentials and its region are from") {
  CHECK(written({AccountUsed{"1", "arn:aws:iam::1:user/ada", "/c:2", "eu-central-1", "AWS_REGION"}}) ==
        R"({"event":"account","time":"2023-05-16T18:04:05.007Z","account":"1","arn":"arn:aws:iam::1:user/ada",)"
        R"("credentials":"/c:2","region":"eu-central-1","region_source":"AWS_REGION"})"
        "\n");
}

TEST_CASE("a resource's changes are reported as data, with the resources that they may wait for") {
  ResourceFinished e{.label = "file[motd]",
                     .id = "motd",
                     .type = "file",
                     .host = "local",
                     .as = "root",
                     .outcome = Outcome::would_change,
                     .changes = {{.property = "mode", .before = "0600", .after = "0644"},
                                 {.property = "groups",
                                  .before = Value::Array{},
                                  .after = Value::Array{"a", 2, true},
                                  .text_diff = "+\"x\"\n"},
                                 {.property = "restart", .kind = Change::Kind::event},
                                 {.property = "others", .after = "later", .kind = Change::Kind::unknown}},
                     .maybe = {"package[docker.io]", "x"},
                     .seconds = 0.25,
                     .reason = "because",
                     .output = "a\n\x1b"};
  CHECK(
      written({e}) ==
      R"({"event":"resource","time":"2023-05-16T18:04:05.007Z","label":"file[motd]","id":"motd","type":"file",)"
      R"("host":"local","as":"root","outcome":"would_change","changes":[)"
      R"({"property":"mode","before":"0600","after":"0644","kind":"state","sensitive":false,)"
      R"("maybe":["package[docker.io]","x"],"diff":null},)"
      R"({"property":"groups","before":[],"after":["a",2,true],"kind":"state","sensitive":false,)"
      R"("maybe":["package[docker.io]","x"],"diff":"+\"x\"\n"},)"
      R"({"property":"restart","before":null,"after":null,"kind":"event","sensitive":false,)"
      R"("maybe":["package[docker.io]","x"],"diff":null},)"
      R"({"property":"others","before":null,"after":"later","kind":"unknown","sensitive":false,)"
      R"("maybe":["package[docker.io]","x"],"diff":null}],)"
      R"("seconds":0.250000,"reason":"because","output":"a\n\u001b","note":null})"
      "\n");
}

TEST_CASE("what is sensitive is masked, and has no diff") {
  const std::string text = written({ResourceFinished{
      .changes = {{.property = "content", .after = "s3cret", .sensitive = true, .text_diff = "+s3cret\n"}}}});
  CHECK(text.find(R"({"property":"content","before":null,"after":"***","kind":"state","sensitive":true,)"
                  R"("maybe":null,"diff":null})") != std::string::npos);
  CHECK(text.find("s3cret") == std::string::npos);
}

TEST_CASE("what only the live line shows is not printed") {
  CHECK(written({ResourceStarted{"a", "local", "root"}, ProgressMade{"a", "local", "downloading", 1, 2}}) ==
        "");
}

TEST_CASE("a host that is awaited is told of once for each stage") {
  const ProgressMade port{"waiting for box: port 22", "box", "no answer", 0, 0, "port 22"};
  const std::string text = written({port, port, ProgressMade{"", "box", "refused", 0, 0, "login"}});
  CHECK(text.find(R"("host":"box","stage":"port 22","seen":"no answer"})") != std::string::npos);
  CHECK(text.find(R"("stage":"login","seen":"refused"})") != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("the summary counts each outcome and says how the run ended") {
  RunFinished e{
      .counts = {1, 2, 3, 4, 5, 6, 7},
      .seconds = 1.5,
      .interrupted = true,
      .exit_status = 130,
      .show = {ShownLine{"a", false}, ShownLine{"http://x/?token=s3cret", true}, ShownLine{"b", false}}};
  CHECK(
      written({e}) ==
      R"({"event":"summary","time":"2023-05-16T18:04:05.007Z","ok":1,"changed":2,"would_change":3,"unknown":4,)"
      R"("skipped":5,"failed":6,"not_converged":7,"seconds":1.500000,"interrupted":true,"exit_status":130,)"
      R"("show":["a","***","b"],"hosts":[]})"
      "\n");
}

TEST_CASE("each line is out when its event happened") {
  char* data = nullptr;
  std::size_t size = 0;
  std::FILE* file = open_memstream(&data, &size);
  std::setvbuf(file, nullptr, _IOFBF, 1 << 16);
  JsonReport report(file, [] { return moment; });
  report(RunStarted{"p", "apply"});
  CHECK(size > 0);
  CHECK(std::string(data, size).ends_with("}\n"));
  std::fclose(file);
  std::free(data);
}
