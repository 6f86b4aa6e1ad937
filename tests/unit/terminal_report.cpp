#include "report/terminal.hpp"

#include <algorithm>
#include <cstdlib>

#include "model/wording.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace std::chrono_literals;

namespace {

// What a terminal would be sent.
class Screen {
 public:
  Screen() : file_(open_memstream(&data_, &size_)) {}
  ~Screen() {
    std::fclose(file_);
    std::free(data_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

std::string shown(const std::vector<Event>& events, TerminalOptions options = {}) {
  Screen screen;
  options.out = screen.file();
  {
    TerminalReport report(options);
    for (const Event& e : events) report(e);
  }
  return screen.text();
}

ResourceFinished finished(std::string label, Outcome outcome, std::vector<Change> changes = {},
                          std::string reason = "") {
  return {.label = std::move(label),
          .host = "local",
          .as = "root",
          .outcome = outcome,
          .changes = std::move(changes),
          .reason = std::move(reason)};
}

RunFinished ending(std::initializer_list<std::pair<Outcome, int>> counts, double seconds) {
  RunFinished e{.seconds = seconds};
  for (const auto& [outcome, n] : counts)
    e.counts[static_cast<std::size_t>(outcome)] = static_cast<std::uint64_t>(n);
  return e;
}

const Change made = Change::create();

}  // namespace

TEST_CASE("a plan is one aligned line a resource, its diffs below it, and a closing line") {
  auto group = finished("group[docker]", Outcome::would_change, {made});
  group.maybe = {"package[docker.io]"};
  auto member =
      finished("user[ubuntu]", Outcome::would_change,
               {{.property = "groups", .before = Value::Array{"adm"}, .after = Value::Array{"adm", "docker"}}});
  auto file = finished("file[motd]", Outcome::would_change,
                       {{.property = "content",
                         .before = "8 bytes",
                         .after = "15 bytes",
                         .text_diff = "@@ -1,2 +1,3 @@\n same\n-old\n+new\n+more\n"},
                        {.property = "mode", .before = "0600", .after = "0644"}});
  file.as = "ubuntu";
  CHECK(shown({RunStarted{"zoomcamp.json", "plan"}, PlayStarted{"", "local", {}},
               finished("package[docker.io]", Outcome::would_change,
                        {{.property = "docker.io", .after = "20.10.24"},
                         {.property = "runc", .before = "1.0", .after = "1.1"}}),
               group, member, file, finished("directory[old]", Outcome::would_change, {Change::remove()}),
               finished("verify[docker works]", Outcome::unknown, {}, "waits for package[docker.io]"),
               finished("git[course]", Outcome::skipped, {}, "facts.os.id is debian, expected ubuntu"),
               finished("directory[soft]", Outcome::ok),
               ending(
                   {{Outcome::would_change, 5}, {Outcome::unknown, 1}, {Outcome::skipped, 1}, {Outcome::ok, 1}},
                   0.0421)}) ==
        "  ~ package[docker.io]          root    docker.io 20.10.24, runc 1.0 → 1.1\n"
        "  + group[docker]               root    create (unless package[docker.io] brings it)\n"
        "  ~ user[ubuntu]                root    groups + docker\n"
        "  ~ file[motd]                  ubuntu  content +2 −1, mode 0600 → 0644\n"
        "      @@ -1,2 +1,3 @@\n"
        "       same\n"
        "      -old\n"
        "      +new\n"
        "      +more\n"
        "  - directory[old]              root    remove\n"
        "  ? verify[docker works]        root    waits for package[docker.io]\n"
        "  ○ git[course]                 root    skipped: facts.os.id is debian, expected ubuntu\n"
        "  · directory[soft]             root    ok\n"
        "plan: 5 to change, 1 unknown, 1 skipped, 1 ok — nothing was touched (0.04 s)\n");
}

TEST_CASE("an apply reports what changed, and its lines to show come last") {
  auto end = ending({{Outcome::changed, 1}, {Outcome::ok, 1}}, 31.24);
  end.show = {ShownLine{"Log in again to use docker.\x1b[2J", false}};
  CHECK(shown({RunStarted{"p.json", "apply"},
               finished("command[build]", Outcome::changed,
                        {{.property = "runs", .after = "make all", .kind = Change::Kind::event}}),
               finished("directory[soft]", Outcome::ok), end}) ==
        "  ✓ command[build]              root    runs make all\n"
        "  · directory[soft]             root    ok\n"
        "apply: 1 changed, 1 ok in 31.2 s\n"
        "Log in again to use docker.\\x1b[2J\n");
}

TEST_CASE("a failure shows its message, the last lines of the output, and what was skipped because of it") {
  auto failed = finished("package[docker.io]", Outcome::failed, {}, "apt-get ended with status 100");
  for (int i = 1; i <= 14; ++i) failed.output += "line " + std::to_string(i) + "\n";
  CHECK(shown({RunStarted{"p.json", "apply"}, failed,
               finished("service[docker]", Outcome::skipped, {}, "package[docker.io] failed"),
               finished("verify[docker]", Outcome::skipped, {}, "package[docker.io] failed"),
               finished("service[ssh]", Outcome::not_converged, {}, "running is still no, expected yes"),
               ending({{Outcome::failed, 1}, {Outcome::not_converged, 1}, {Outcome::skipped, 2}}, 75)}) ==
        "  ✗ package[docker.io]          root    failed: apt-get ended with status 100\n"
        "      │ line 3\n"
        "      │ line 4\n"
        "      │ line 5\n"
        "      │ line 6\n"
        "      │ line 7\n"
        "      │ line 8\n"
        "      │ line 9\n"
        "      │ line 10\n"
        "      │ line 11\n"
        "      │ line 12\n"
        "      │ line 13\n"
        "      │ line 14\n"
        "  ○ service[docker]             root    skipped: package[docker.io] failed\n"
        "  ○ verify[docker]              root    skipped: package[docker.io] failed\n"
        "  ✗ service[ssh]                root    not converged: running is still no, expected yes\n"
        "package[docker.io] failed; skipped because of it: service[docker], verify[docker]\n"
        "apply: 1 failed, 1 not converged, 0 changed, 2 skipped in 1 min 15 s\n");
}

TEST_CASE("a message of several lines keeps its lines") {
  CHECK(shown({finished("file[a]", Outcome::failed, {}, "cannot do it:\nfirst\nsecond")}) ==
        "  ✗ file[a]                     root    failed: cannot do it:\n"
        "      first\n"
        "      second\n");
}

TEST_CASE("of several diffs each says what it is of") {
  CHECK(shown({finished("path_entry[soft]", Outcome::changed,
                        {{.property = "~/.bashrc", .text_diff = "+a\n"},
                         {.property = "~/.profile", .text_diff = "+b\n"}})}) ==
        "  ✓ path_entry[soft]            root    ~/.bashrc +1, ~/.profile +1\n"
        "      ~/.bashrc\n"
        "      +a\n"
        "      ~/.profile\n"
        "      +b\n");
}

TEST_CASE("an interrupted run says so") {
  auto end = ending({{Outcome::changed, 2}}, 1);
  end.interrupted = true;
  CHECK(shown({RunStarted{"p.json", "apply"}, end}) == "apply: interrupted: 2 changed in 1.0 s\n");
}

TEST_CASE("nothing to change is said with a zero") {
  CHECK(shown({RunStarted{"p.json", "apply"}, ending({{Outcome::ok, 12000}}, 0.0021)}) ==
        "apply: 0 changed, 12,000 ok in 0.002 s\n");
  CHECK(shown({RunStarted{"p.json", "plan"}, ending({}, 0.002)}) ==
        "plan: 0 to change — nothing was touched (0.002 s)\n");
}

TEST_CASE("more than fifty resources in a row that are ok become one line") {
  std::vector<Event> events;
  for (int i = 0; i < 9998; ++i) events.push_back(finished("file[" + std::to_string(i) + "]", Outcome::ok));
  events.push_back(finished("file[last]", Outcome::would_change, {made}));
  events.push_back(finished("file[after]", Outcome::ok));
  events.push_back(ending({}, 1));
  CHECK(
      shown(events).starts_with("  · … 9,998 resources ok\n"
                                "  + file[last]                  root    create\n"
                                "  · file[after]                 root    ok\n"));
  SECTION("with verbose each has its line") {
    const std::string text = shown(events, {.verbose = true});
    CHECK(text.starts_with("  · file[0]                     root    ok\n"));
    CHECK(std::count(text.begin(), text.end(), '\n') == 10001);
  }
  SECTION("with quiet there is none") {
    CHECK(shown(events, {.quiet = true}).starts_with("  + file[last]                  root    create\n"));
  }
}

TEST_CASE("with quiet, what is skipped has no line but counts among what a failure caused") {
  CHECK(shown({RunStarted{"p", "apply"}, finished("a", Outcome::failed, {}, "no"),
               finished("b", Outcome::skipped, {}, "a failed"), ending({{Outcome::failed, 1}}, 1)},
              {.quiet = true}) ==
        "  ✗ a                           root    failed: no\n"
        "a failed; skipped because of it: b\n"
        "apply: 1 failed, 0 changed in 1.0 s\n");
}

TEST_CASE("nothing that comes from outside steers the terminal") {
  auto e = finished("file[\x1b]0;owned\x07]", Outcome::would_change,
                    {{.property = "content",
                      .before = "a\r\nb",
                      .after = "\xc2\x9b"
                               "31m\xff\xe2\x80\xae"},
                     {.property = "diff", .text_diff = "+\tred \x1b[31m\n"}});
  e.as = "r\bt";
  e.output = "\x1b[2Jgone\n";
  CHECK(shown({e}) ==
        "  ~ file[\\x1b]0;owned\\x07]      r\\x08t  content a\\r\\nb → \\u009b31m\\xff\\u202e, diff +1\n"
        "      +\tred \\x1b[31m\n"
        "      │ \\x1b[2Jgone\n");
}

TEST_CASE("what is sensitive is three stars, without a diff") {
  CHECK(shown({finished(
            "file[key]", Outcome::would_change,
            {{.property = "content", .before = "old", .after = "new", .sensitive = true, .text_diff = "+new\n"},
             {.property = "token", .after = "new", .sensitive = true},
             {.property = "runs", .after = "new", .sensitive = true, .kind = Change::Kind::event}})}) ==
        "  ~ file[key]                   root    content *** → ***, token ***, runs ***\n");
}

TEST_CASE("many changes wrap under their own column, and what is over a dozen is counted") {
  std::vector<Change> changes;
  for (int i = 0; i < 30; ++i) changes.push_back({.property = "library-" + std::to_string(i), .after = "1.0"});
  const std::vector<Event> events{finished("package[many]", Outcome::would_change, changes)};
  CHECK(shown(events, {.paper = {false, 80}}) ==
        "  ~ package[many]               root    library-0 1.0, library-1 1.0, library-2\n"
        "                                        1.0, library-3 1.0, library-4 1.0,\n"
        "                                        library-5 1.0, library-6 1.0, library-7\n"
        "                                        1.0, library-8 1.0, library-9 1.0,\n"
        "                                        library-10 1.0, library-11 1.0, … 18\n"
        "                                        more\n");
  CHECK(shown(events, {.paper = {false, 100}, .verbose = true}).find("library-29 1.0\n") != std::string::npos);
  CHECK(shown(events).find("library-29 1.0\n") != std::string::npos);
}

TEST_CASE("no line is wider than the terminal, whatever its width") {
  auto change =
      finished("file[/srv/a/rather/long/path/of/some/file/deep/below]", Outcome::would_change,
               {{.property = "content",
                 .before = "x",
                 .after = "y",
                 .text_diff = "@@ -1 +1 @@\n-" + std::string(150, 'o') + "\n+" + std::string(90, 'n') + "\n"},
                {.property = "owner", .before = "root", .after = "ubuntu"}});
  change.note = "was interrupted in an earlier run, which somebody ended while it wrote";
  auto failed =
      finished("command[build]", Outcome::failed, {}, "`make` ended with status 2\n" + std::string(200, 'r'));
  failed.output = std::string(130, 'x') + "\n日本語の出力" + std::string(100, 'y') + "\n";
  const auto skipped = finished("service[app]", Outcome::skipped, {}, "command[build] failed");
  const auto waits =
      finished("verify[it works]", Outcome::unknown, {}, "waits for package[a], package[b], package[c]");
  for (const int width : {20, 40, 60, 80, 81, 100, 132}) {
    CAPTURE(width);
    const std::string text = shown(
        {RunStarted{"p.json", "plan"}, ResourcesKnown{4, change.label, "ubuntu"}, change, failed, skipped,
         waits, NoticeGiven{"local", std::string(150, 'n') + " " + std::string(30, 'm')},
         ending(
             {{Outcome::would_change, 1}, {Outcome::failed, 1}, {Outcome::skipped, 1}, {Outcome::unknown, 1}},
             1)},
        {.paper = {true, width}});
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
      CHECK(columns(text.substr(begin, end - begin)) <= static_cast<std::size_t>(width));
    CHECK(begin == text.size());
    CHECK(std::count(text.begin(), text.end(), 'o') >= 150);  // nothing was cut
  }
}

TEST_CASE("the account is named in the first line of a plan") {
  CHECK(shown({RunStarted{"p.json", "plan"},
               AccountUsed{"1", "arn:aws:iam::1:user/ada", "the credentials file of the profile work (/c:2)",
                           "eu-central-1", "AWS_REGION"},
               ResourcesKnown{1, "file[a]", "ada"}}) ==
        "  as arn:aws:iam::1:user/ada (account 1), by the credentials file of the profile work (/c:2), in "
        "eu-central-1 (AWS_REGION)\n");
}

TEST_CASE("columns stand still: they are as wide as the longest label of the run from its first line on") {
  const std::string text = shown(
      {RunStarted{"p.json", "plan"}, ResourcesKnown{2, "command[a label of thirty-odd letters]", "ubuntu"},
       finished("file[a]", Outcome::changed, {made}),
       finished("command[a label of thirty-odd letters]", Outcome::changed, {made})},
      {.paper = {false, 100}});
  CHECK(text ==
        "  ✓ file[a]                                 root    create\n"
        "  ✓ command[a label of thirty-odd letters]  root    create\n");
}

TEST_CASE("packages that come along are counted, those that go are named, and verbose names all") {
  std::vector<Change> changes{{.property = "docker.io", .after = "20.10.24"}};
  for (int i = 0; i < 52; ++i) changes.push_back({.property = "+lib" + std::to_string(i), .after = "1.0"});
  changes.push_back({.property = "+old-docker", .before = "1.5"});
  changes.push_back({.property = "download", .after = "93.4 MB", .kind = Change::Kind::event});
  const std::vector<Event> events{finished("package[docker.io]", Outcome::would_change, changes)};
  CHECK(shown(events) ==
        "  ~ package[docker.io]          root    docker.io 20.10.24, +52 packages, +old-docker 1.5 → removed, "
        "download 93.4 MB\n");
  CHECK(shown(events, {.paper = {false, 0}, .verbose = true}).find("+lib51 1.0") != std::string::npos);
}

TEST_CASE("long values and long diffs are cut, but not with verbose") {
  std::string diff;
  for (int i = 0; i < 100; ++i) diff += "+" + std::to_string(i) + "\n";
  const std::vector<Event> events{finished(
      "user[x]", Outcome::would_change,
      {{.property = "comment", .after = std::string(100, 'x')}, {.property = "content", .text_diff = diff}})};
  const std::string text = shown(events);
  CHECK(text.starts_with("  ~ user[x]                     root    comment " + std::string(59, 'x') +
                         "…, content +100\n"));
  CHECK(text.ends_with("      +59\n      … 40 more lines (--verbose shows them)\n"));
  CHECK(shown(events, {.verbose = true}).ends_with("      +99\n"));
}

TEST_CASE("columns count code points and grow with their content") {
  CHECK(shown({finished("file[größe]", Outcome::would_change, {made}),
               finished("directory[a-rather-long-identifier-here]", Outcome::would_change, {made}),
               finished("file[b]", Outcome::would_change, {made})}) ==
        "  + file[größe]                 root    create\n"
        "  + directory[a-rather-long-identifier-here]  root    create\n"
        "  + file[b]                                   root    create\n");
}

TEST_CASE("plays have titles where they have names or another host, and say why they are skipped") {
  CHECK(shown({PlayStarted{"Tools", "local", {}}, PlayStarted{"", "web1", {}}, PlayStarted{"Db", "web2", {}},
               PlayStarted{"Mac", "local", "facts.os.id is debian"}}) ==
        "Tools\nweb1\nDb on web2\n○ Mac  skipped: facts.os.id is debian\n");
}

TEST_CASE("colours are used only when asked for") {
  CHECK(shown({finished("file[a]", Outcome::would_change, {made}), finished("file[b]", Outcome::ok)},
              {.paper = {true, 0}}) ==
        "  \x1b[32m+\x1b[0m file[a]                     \x1b[2mroot  \x1b[0m  create\n"
        "\x1b[2m  · file[b]                     root    ok\x1b[0m\n");
  CHECK(want_colour("always", "1", false));
  CHECK(!want_colour("never", nullptr, true));
  CHECK(want_colour("auto", nullptr, true));
  CHECK(want_colour("auto", "", true));
  CHECK(!want_colour("auto", "1", true));
  CHECK(!want_colour("auto", nullptr, false));
}

TEST_CASE("the live line shows what takes time, and is erased before a line is printed") {
  Screen screen;
  std::chrono::steady_clock::time_point time{1h};
  TerminalReport report(
      {.out = screen.file(), .paper = {false, 120}, .live = true, .clock = [&] { return time; }});
  report(RunStarted{"p", "apply"});
  report(ResourceStarted{"download[compose]", "local", "ubuntu"});
  time += 50ms;
  report.redraw();
  CHECK(screen.text() == "");
  time += 50ms;
  report(ProgressMade{"download[compose]", "local", "downloading https://x/y", 1000000, 61000000});
  time += 900ms;
  report(ProgressMade{"download[compose]", "local", "downloading https://x/y", 4000000, 61000000});
  time += 100ms;
  report.redraw();
  const std::string line =
      "\r  ⠋ download[compose]  1.1 s  4.0 MB of 61.0 MB at 3.0 MB/s  downloading https://x/y\x1b[K";
  CHECK(screen.text() == line);
  time += 99ms;
  report.redraw();
  CHECK(screen.text() == line);
  report(finished("download[compose]", Outcome::changed, {made}));
  CHECK(screen.text() == line + "\r\x1b[K  ✓ download[compose]           root    create\n");
  time += 1s;
  report.redraw();
  CHECK(screen.text() == line + "\r\x1b[K  ✓ download[compose]           root    create\n");
}

TEST_CASE("nothing is drawn while the terminal is somebody else's") {
  Screen screen;
  std::chrono::steady_clock::time_point time{1h};
  TerminalReport report(
      {.out = screen.file(), .paper = {false, 80}, .live = true, .clock = [&] { return time; }});
  report(ResourceStarted{"file[a]", "local", "root"});
  time += 1s;
  report.redraw();
  const std::string before = screen.text();
  report(TerminalReleased{});
  time += 1s;
  report.redraw();
  CHECK(screen.text() == before + "\r\x1b[K");
}

TEST_CASE("the live line never wraps") {
  Screen screen;
  std::chrono::steady_clock::time_point time{1h};
  TerminalReport report(
      {.out = screen.file(), .paper = {false, 20}, .live = true, .clock = [&] { return time; }});
  report(ResourceStarted{"package[a-very-long-name]", "local", "root"});
  time += 1s;
  report.redraw();
  CHECK(screen.text() == "\r  ⠋ package[a-very…\x1b[K");
}

TEST_CASE("resources that are ok are reported while the next one is slow") {
  Screen screen;
  std::chrono::steady_clock::time_point time{1h};
  TerminalReport report(
      {.out = screen.file(), .paper = {false, 80}, .live = true, .clock = [&] { return time; }});
  report(finished("file[a]", Outcome::ok));
  report(ResourceStarted{"package[b]", "local", "root"});
  CHECK(screen.text() == "");
  time += 1s;
  report.redraw();
  CHECK(screen.text() == "  · file[a]                     root    ok\n\r  ⠋ package[b]  1.0 s\x1b[K");
}

TEST_CASE("a live report with its own pace ends with the run") {
  Screen screen;
  TerminalReport report({.out = screen.file(), .paper = {false, 80}, .live = true});
  report(RunStarted{"p", "apply"});
  report(ResourceStarted{"a", "local", "root"});
  report(ending({}, 1));
  CHECK(screen.text() == "apply: 0 changed in 1.0 s\n");
}

TEST_CASE("a place that cannot be written to is no reason to end") {
  std::FILE* full = std::fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  {
    TerminalReport report({.out = full});
    report(finished("file[a]", Outcome::would_change, {made}));
    report(ending({}, 1));
  }
  CHECK(std::ferror(full) != 0);
  std::fclose(full);
}

TEST_CASE("values, times and sizes in words") {
  CHECK(describe(Value(), 9) == "none");
  CHECK(describe(Value(""), 9) == "\"\"");
  CHECK(describe(Value(Value::Array{}), 9) == "none");
  CHECK(describe(Value(Value::Array{"a", 2}), 9) == "a, 2");
  CHECK(describe(Change{.property = "running", .before = false, .after = true}, 9) == "running no → yes");
  CHECK(describe(Change{.property = "runc", .before = "1.0"}, 9) == "runc 1.0 → none");
  CHECK(
      describe(Change{.property = "groups", .before = Value::Array{"a", "b"}, .after = Value::Array{"b", "c"}},
               9) == "groups + c − a");
  CHECK(describe(Change{.property = "restart", .after = true, .kind = Change::Kind::event}, 9) == "restart");
  CHECK(cut("größer", 4) == "grö…");
  CHECK(cut("größe", 5) == "größe");
  CHECK(duration(0.0004) == "0.000 s");
  CHECK(duration(0.35) == "0.35 s");
  CHECK(duration(59.96) == "1 min 00 s");
  CHECK(duration(3725) == "1 h 02 min");
  CHECK(byte_size(999) == "999 B");
  CHECK(byte_size(999999) == "1.0 MB");
  CHECK(grouped(0) == "0");
  CHECK(grouped(1234567) == "1,234,567");
}

TEST_CASE("a message that is longer than the terminal's line is wrapped, and each line of it by itself") {
  const std::string text =
      "p.json:1:2: error: there is no `facts.hostname`\n  {\"a\"}\n  hint: did you mean `facts.host.name`?\n";
  CHECK(Paper(false, 0).fitted(text) == text);
  CHECK(Paper(false, 80).fitted(text) == text);
  CHECK(Paper(false, 30).fitted(text) ==
        "p.json:1:2: error: there is no\n    `facts.hostname`\n  {\"a\"}\n  hint: did you mean\n      "
        "`facts.host.name`?\n");
  CHECK(Paper(false, 5).fitted("a b c d e f\n") == "a b c d e f\n");  // nothing fits there
}
