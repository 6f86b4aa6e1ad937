#include "domains/downloads/cache.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/catch.hpp"

using namespace mlops;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "mlops-cache-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
};

constexpr auto proof = DownloadRecord::Kind::proof;
constexpr auto partial = DownloadRecord::Kind::partial;

DownloadRecord record(const std::string& key) {
  return {proof, key, std::string(64, 'a'), "\"e\ttag\"", "", "", {1, 2, 3, -4, 5}};
}

void overwrite(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

}  // namespace

TEST_CASE("records are read as they were written, whatever their texts contain") {
  DownloadRecord odd = record("/a\tb\nc\\td\\");
  DownloadRecord part = record("/p");
  part.kind = partial;
  part.sha256 = "";
  part.boot = "b00t";
  const std::vector<DownloadRecord> all{odd, part};
  CHECK(parse_records(format_records(all)) == all);
  CHECK(parse_records(format_records({})) == std::vector<DownloadRecord>());
}

TEST_CASE("a text with any byte changed, or truncated, is damaged") {
  const std::string good = format_records({record("/x")});
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK_FALSE(parse_records(bad));
    CHECK_FALSE(parse_records(good.substr(0, i)));
  }
}

TEST_CASE("a record is found by its kind and key, and replaced by a later one of the same key") {
  const Folder folder;
  DownloadCache cache(folder.path / "cache" / "mlops-agent");
  CHECK_FALSE(cache.find(proof, "/x"));
  cache.keep(record("/x"));
  CHECK(cache.find(proof, "/x") == record("/x"));
  CHECK_FALSE(cache.find(proof, "/y"));
  CHECK_FALSE(cache.find(partial, "/x"));
  DownloadRecord later = record("/x");
  later.sha256 = std::string(64, 'b');
  cache.keep(later);
  CHECK(DownloadCache(folder.path / "cache" / "mlops-agent").find(proof, "/x") == later);
  cache.forget(proof, "/x");
  CHECK_FALSE(cache.find(proof, "/x"));
}

TEST_CASE("the cache is readable by nobody else, except root's, which reveals no URL") {
  const Folder folder;
  DownloadCache cache(folder.path / "cache");
  cache.keep(record(download_key("/x", "https://a/secret", "")));
  const bool root = geteuid() == 0;
  struct stat st;
  REQUIRE(stat((folder.path / "cache").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == (root ? 0755u : 0700u));
  REQUIRE(stat((folder.path / "cache" / "downloads").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == (root ? 0644u : 0600u));
  std::ifstream file(folder.path / "cache" / "downloads");
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}).find("secret") == std::string::npos);
}

TEST_CASE("a key stands for the path, the URL and that of the checksums, each") {
  const std::string key = download_key("/x", "https://a", "https://b");
  CHECK(key == download_key("/x", "https://a", "https://b"));
  CHECK(key != download_key("/y", "https://a", "https://b"));
  CHECK(key != download_key("/x", "https://c", "https://b"));
  CHECK(key != download_key("/x", "https://a", ""));
}

TEST_CASE("the oldest records are dropped beyond the most that are kept") {
  const Folder folder;
  DownloadCache cache(folder.path / "cache");
  for (std::size_t i = 0; i <= DownloadCache::max_records; ++i) cache.keep(record("/" + std::to_string(i)));
  CHECK_FALSE(cache.find(proof, "/0"));
  CHECK(cache.find(proof, "/1"));
  CHECK(cache.find(proof, "/" + std::to_string(DownloadCache::max_records)));
}

TEST_CASE("a damaged cache counts as empty and is created again") {
  const Folder folder;
  DownloadCache cache(folder.path);
  overwrite(folder.path / "downloads", "mlops-agent downloads 1\nrubbish\n");
  CHECK_FALSE(cache.find(proof, "/x"));
  overwrite(folder.path / "downloads.new", "left by a killed run");
  cache.keep(record("/x"));
  CHECK(cache.find(proof, "/x"));
  CHECK_FALSE(fs::exists(folder.path / "downloads.new"));
}

TEST_CASE("a cache folder that others may write, or that is a link, is not used") {
  const Folder folder;
  DownloadCache(folder.path / "real").keep(record("/x"));
  fs::create_directory_symlink(folder.path / "real", folder.path / "link");
  CHECK_FALSE(DownloadCache(folder.path / "link").find(proof, "/x"));
  REQUIRE(chmod((folder.path / "real").c_str(), 0777) == 0);
  CHECK_FALSE(DownloadCache(folder.path / "real").find(proof, "/x"));
}
