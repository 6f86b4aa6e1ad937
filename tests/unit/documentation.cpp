// The README and the pages of docs: their transcript, playbooks, links, paths and drawing.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "model/document.hpp"
#include "playbook/playbook.hpp"
#include "resource/module.hpp"
#include "support/agent_process.hpp"
#include "support/catch.hpp"

using namespace mlops;
using namespace mlops::test;

namespace {

const std::filesystem::path top = SOURCE_DIR;

std::string read(const std::filesystem::path& path) { return AgentFolder::read(path); }

// The README, the pages of docs and those for contributors; without the generated pages of resource types.
std::vector<std::filesystem::path> pages() {
  std::vector<std::filesystem::path> list{top / "README.md", top / "CONTRIBUTING.md", top / "SECURITY.md"};
  for (const auto& entry : std::filesystem::directory_iterator(top / "docs"))
    if (entry.path().extension() == ".md") list.push_back(entry.path());
  return list;
}

struct Block {
  std::string language, text;
};

std::vector<Block> blocks(const std::string& page) {
  std::vector<Block> list;
  std::istringstream lines(page);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      if (!inside) list.push_back({line.substr(3), ""});
      inside = !inside;
    } else if (inside) {
      list.back().text += line + "\n";
    }
  }
  return list;
}

struct Listing {
  std::string name, text;
};

// The documents of a block, one after the other. A comment line "// NAME.json" before one is its file's name.
std::vector<Listing> documents(const std::string& block) {
  std::vector<Listing> list;
  std::string name;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool comment = block.compare(i, 2, "//") == 0;
    if (comment) {
      const std::size_t end = block.find('\n', i);
      if (depth == 0) name = block.substr(i + 3, end - i - 3);
      i = end;
    } else if (block[i] == '"') {
      for (++i; block[i] != '"'; ++i) i += block[i] == '\\';
    } else if (block[i] == '{' || block[i] == '[') {
      if (depth++ == 0) begin = i;
    } else if (block[i] == '}' || block[i] == ']') {
      if (--depth == 0)
        list.push_back({name.ends_with(".json") ? name : "site.json", block.substr(begin, i + 1 - begin)});
    }
  }
  return list;
}

// A play or a resource that stands alone becomes a playbook.
std::string as_playbook(const std::string& text) {
  const Source source{"example", text};
  Diagnostics diagnostics;
  const auto value = parse_document(source, diagnostics);
  for (const Diagnostic& d : diagnostics.list()) throw std::runtime_error(to_text(d));
  if (value->find("on")) return "{\"plays\": [" + text + "]}";
  if (value->find("type")) return "{\"resources\": [" + text + "]}";
  return text;
}

std::string mistakes(const std::filesystem::path& playbook) {
  Diagnostics diagnostics;
  load_playbook(playbook, LoadOptions{.home = "/home/ubuntu"}, all_modules(), diagnostics);
  std::string text;
  for (const Diagnostic& d : diagnostics.list()) text += to_text(d);
  return text;
}

// As GitHub names a heading: in lower case, without punctuation, blanks as hyphens.
std::string anchor(const std::string& heading) {
  std::string text;
  for (const char c : heading) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) || c == '-' || c == '_' || u >= 0x80) text += static_cast<char>(std::tolower(u));
    if (c == ' ') text += '-';
  }
  return text;
}

std::set<std::string> anchors(const std::string& page) {
  std::set<std::string> all;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("#")) all.insert(anchor(line.substr(line.find_first_not_of("# "))));
  return all;
}

std::string without_blocks(const std::string& page) {
  return std::regex_replace(page, std::regex("```[^`]*```|`[^`\n]*`"), "");
}

// How long a run took differs from run to run.
std::string without_times(const std::string& text) {
  return std::regex_replace(text, std::regex(R"([0-9.]+ s(?=[)\n]))"), "N s");
}

// A difference of text that was shown before is cut, and root stands for whoever runs this test.
std::string shortened(const std::string& output, bool cut) {
  std::string text = std::regex_replace(output, std::regex(R"((file\[motd\] +)\S+ +)"), "$1root    ");
  if (cut) text = std::regex_replace(text, std::regex("\n( {6}.*\n)+"), "\n      […]\n");
  return text;
}

// What plan, apply and undo of one small playbook print.
std::string transcript() {
  const AgentFolder folder;
  folder.write("site.json",
               R"({"resources": [{"id": "motd", "type": "file", "path": "@/motd", "mode": "0644",
                 "content": "app on port 80\n"}]})");
  const std::string motd = folder.tree() + "/motd";
  std::ofstream(motd) << "welcome\n";
  ::chmod(motd.c_str(), 0600);

  std::string text;
  const auto show = [&](const std::string& command, const Words& words, int status, bool cut) {
    const Ended ended = folder.run(words);
    INFO(ended.out << ended.err);
    REQUIRE(ended.status == status);
    text += "$ mlops-agent " + command + "\n" + shortened(ended.out, cut);
  };
  show("plan site.json", {"plan", folder.path("site.json")}, 2, false);
  show("apply site.json", {"apply", folder.path("site.json")}, 0, true);
  show("undo --yes", {"undo", "--yes", "--state", folder.state()}, 0, true);
  CHECK(read(motd) == "welcome\n");
  return text;
}

}  // namespace

// With MLOPS_WRITE_TRANSCRIPTS set, the README gets what is printed now.
TEST_CASE("README's transcript is what plan, apply and undo print") {
  const std::string begin = "```\n$ mlops-agent plan site.json\n";
  std::string page = read(top / "README.md");
  const std::size_t at = page.find(begin);
  REQUIRE(at != page.npos);
  const std::size_t first = at + 4, length = page.find("```", first) - first;
  const std::string printed = transcript();
  if (std::getenv("MLOPS_WRITE_TRANSCRIPTS")) {
    page.replace(first, length, printed);
    std::ofstream(top / "README.md") << page;
    return;
  }
  CHECK(without_times(page.substr(first, length)) == without_times(printed));
  CHECK(std::count(printed.begin(), printed.end(), '\n') <= 15);
}

TEST_CASE("every playbook in the README and in docs is right") {
  const AgentFolder folder;
  std::filesystem::create_directories(folder.path("files"));
  std::ofstream(folder.path("files/app.conf")) << "content\n";
  std::size_t count = 0;
  for (const auto& page : pages()) {
    for (const Block& block : blocks(read(page))) {
      if (block.language != "jsonc") continue;
      INFO(page << "\n" << block.text);
      const std::vector<Listing> listings = documents(block.text);
      REQUIRE_FALSE(listings.empty());
      // What an include names has to be there before the playbook that includes it is read.
      for (const Listing& listing : listings)
        std::ofstream(folder.path(listing.name)) << as_playbook(listing.text);
      for (const Listing& listing : listings) {
        std::ofstream(folder.path(listing.name)) << as_playbook(listing.text);
        CHECK(mistakes(folder.path(listing.name)) == "");
        ++count;
      }
    }
  }
  CHECK(count > 20);
}

TEST_CASE("every link of the README and of docs leads somewhere") {
  const std::regex link(R"(\]\(([^)\s]+)\))");
  for (const auto& page : pages()) {
    const std::string text = without_blocks(read(page));
    for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
      const std::string target = (*at)[1];
      if (target.find("://") != target.npos) continue;
      INFO(page << " links to " << target);
      const std::size_t hash = target.find('#');
      const auto file = hash == 0 ? page : page.parent_path() / target.substr(0, hash);
      CHECK(std::filesystem::exists(file));
      if (hash != target.npos) CHECK(anchors(read(file)).contains(target.substr(hash + 1)));
    }
  }
}

// The pages that say where something stands; not docs/writing-a-module.md, whose module is an example.
TEST_CASE("every path of the tree that a page names is there") {
  const std::regex path(R"(`((agent|modules|tests|docs|playbooks|third_party)/[a-z0-9_./-]*))");
  std::size_t count = 0;
  for (const auto& page : pages()) {
    if (page.filename() == "writing-a-module.md") continue;
    const std::string text = read(page);
    for (std::sregex_iterator at(text.begin(), text.end(), path), end; at != end; ++at) {
      const char after = text[static_cast<std::size_t>(at->position() + at->length())];
      if (after != '`' && after != ':' && after != ' ') continue;  // a placeholder such as TYPE
      INFO(page << " names " << (*at)[1]);
      CHECK(std::filesystem::exists(top / (*at)[1].str()));
      ++count;
    }
  }
  CHECK(count > 50);
}

TEST_CASE("the README is short, names every resource type, and links every page of docs") {
  const std::string page = read(top / "README.md");
  CHECK(std::count(page.begin(), page.end(), '\n') <= 200);
  for (const Module* module : all_modules()) {
    const std::string type(module->type);
    CHECK(page.find("[`" + type + "`](docs/resources/" + type + ".md)") != page.npos);
  }
  for (const auto& entry : std::filesystem::directory_iterator(top / "docs"))
    if (entry.path().extension() == ".md")
      CHECK(page.find("(docs/" + entry.path().filename().string() + ")") != page.npos);
}

TEST_CASE("docs/layers.svg is what docs/draw_layers.py draws from docs/architecture.md") {
  const std::string script = (top / "docs/draw_layers.py").string();
  FILE* const output = ::popen(("python3 -B '" + script + "' --print").c_str(), "r");
  REQUIRE(output);
  std::string drawn;
  char piece[4096];
  for (std::size_t got; (got = std::fread(piece, 1, sizeof piece, output)) > 0;) drawn.append(piece, got);
  REQUIRE(::pclose(output) == 0);
  INFO("docs/draw_layers.py writes it anew");
  CHECK(read(top / "docs/layers.svg") == drawn);
}
