#include "state_check.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>

namespace torture {
namespace {

namespace fs = std::filesystem;

// A copy of a database and its log, as a program that opens it would find them.
class Copy {
 public:
  explicit Copy(const std::string& database) {
    std::string pattern = "/tmp/torture-state-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    for (const char* part : {"", "-wal"})
      if (fs::exists(database + part))
        fs::copy_file(database + part, folder_ / (std::string("state.db") + part));
    if (sqlite3_open_v2((folder_ / "state.db").c_str(), &handle_, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK)
      problem_ = sqlite3_errmsg(handle_);
  }
  ~Copy() {
    sqlite3_close(handle_);
    std::error_code none;
    fs::remove_all(folder_, none);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  // The first columns of all rows, in words; why it cannot be read is one, too.
  std::vector<std::string> rows(const char* sql) {
    if (!problem_.empty()) return {problem_};
    std::vector<std::string> all;
    sqlite3_stmt* statement = nullptr;
    int status = sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr);
    while (status == SQLITE_OK && (status = sqlite3_step(statement)) == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      all.emplace_back(text ? text : "");
      status = SQLITE_OK;
    }
    if (status != SQLITE_DONE) all.emplace_back(sqlite3_errmsg(handle_));
    sqlite3_finalize(statement);
    return all;
  }
  bool has_table(const char* name) {
    return !rows((std::string("SELECT name FROM sqlite_schema WHERE name = '") + name + "'").c_str()).empty();
  }

 private:
  fs::path folder_;
  sqlite3* handle_ = nullptr;
  std::string problem_;
};

std::vector<fs::path> state_folders(const std::string& root) {
  std::vector<fs::path> all{root + "/var/lib/mlops-agent", root + "/root/.local/state/mlops-agent"};
  std::error_code none;
  for (const auto& home : fs::directory_iterator(root + "/home", none))
    all.push_back(home.path() / ".local/state/mlops-agent");
  return all;
}

}  // namespace

std::vector<std::string> state_databases(const std::string& root) {
  std::vector<std::string> all;
  for (const fs::path& folder : state_folders(root))
    if (fs::is_regular_file(folder / "state.db")) all.push_back(folder / "state.db");
  return all;
}

std::string unsound(const std::string& database) {
  Copy copy(database);
  for (const std::string& line : copy.rows("PRAGMA integrity_check"))
    if (line != "ok") return database + " is not sound: " + line;
  for (const std::string& line : copy.rows("PRAGMA foreign_key_check"))
    return database + " refers to what it does not have, in " + line;
  return "";
}

std::string unfinished(const std::string& database) {
  Copy copy(database);
  const struct {
    const char *table, *what, *sql;
  } questions[] = {
      {"runs", "a run without an end", "SELECT id FROM runs WHERE outcome IS NULL"},
      {"steps", "a step that was begun and never ended",
       "SELECT resource || ', ' || run FROM steps WHERE state = 0"},
      {"steps", "a step that was cut off and not healed",
       "SELECT resource || ', ' || run FROM steps WHERE state = 3"},
      {"notifications", "a notification that was not delivered", "SELECT target FROM notifications"}};
  for (const auto& question : questions) {
    if (!copy.has_table(question.table)) continue;
    for (const std::string& row : copy.rows(question.sql))
      return database + " has " + question.what + ": " + row;
  }
  return "";
}

std::vector<std::string> set_aside(const std::string& root) {
  std::vector<std::string> all;
  std::error_code none;
  for (const fs::path& folder : state_folders(root))
    for (const auto& item : fs::directory_iterator(folder, none))
      if (item.path().filename().string().find("damaged") != std::string::npos) all.push_back(item.path());
  return all;
}

std::vector<std::string> ledger(const std::string& database) {
  Copy copy(database);
  if (!copy.has_table("ledger")) return {};
  return copy.rows(
      "SELECT resource || ' ' || origin || ', ' || claims || ', removal ' || coalesce(removal, 'none') || ', "
      "left as ' || "
      "CASE origin WHEN 'created' THEN coalesce(nullif(fingerprint, '{}'), 'nothing') ELSE 'found' END FROM "
      "ledger ORDER BY playbook_key, resource");
}

}  // namespace torture
