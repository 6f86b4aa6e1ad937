// One SQLite database, as the state keeps them. The library itself is in a backend, loaded when one is opened.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mlops {

class DatabaseError : public Error {
 public:
  enum class Cause {
    other,
    damaged,    // it is no database, or not a whole one
    full,       // no room on the disk
    busy,       // another process wrote for longer than was waited
    read_only,  // it cannot be written to, or not be opened
    system,     // a call of the system failed: nothing is said of its content
  };
  DatabaseError(Cause cause, std::string message) : Error(std::move(message)), cause_(cause) {}
  Cause cause() const { return cause_; }

 private:
  Cause cause_;
};

// The backend's functions (backends/sqlite_api.hpp).
struct SqliteFunctions;

// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

// A statement that may be run again; the rows that it gives, one at a time. Lives as long as its database.
class Statement {
 public:
  Statement(const SqliteFunctions& functions, void* statement) : functions_(functions), statement_(statement) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Sets the parameters in order and begins anew. An absent optional is NULL.
  template <class... Values>
  Statement& with(const Values&... values) {
    reset();
    int parameter = 0;
    (bind(++parameter, values), ...);
    return *this;
  }
  // Whether there is a (further) row. Error.
  bool step();
  // For a statement without rows.
  void run() { step(); }

  // Columns of the row, from 0.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;  // also bytes; "" for NULL

 private:
  void reset();
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, std::string_view value);
  void bind(int parameter, Blob value);
  void bind(int parameter, const std::string& value) { bind(parameter, std::string_view(value)); }
  void bind(int parameter, const char* value) { bind(parameter, std::string_view(value)); }
  template <class T>
  void bind(int parameter, const std::optional<T>& value) {
    if (value) bind(parameter, *value);
  }
  const SqliteFunctions& functions_;
  void* statement_;
};

// Each commit survives a power cut when it returns. For one thread. Every member throws DatabaseError.
class Database {
 public:
  enum class Open { existing, make };
  // path holds no symbolic link. Waits for other writers up to the given time.
  Database(const std::string& path, Open how, int busy_ms = 10'000);
  // What is in it now, in memory: nothing that is written to that reaches the file.
  std::unique_ptr<Database> copy() const;
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& path() const { return path_; }
  // Statements without parameters and rows, separated by ;
  void run(const std::string& sql);
  // Prepared once for each text. Not to be used while its own rows are being read.
  Statement& statement(const char* sql);
  std::int64_t integer(const char* sql);  // the first column of the first row; 0 when there is none
  // The file was removed, renamed or replaced: what is written to this is lost.
  bool moved() const;

  // zstd, where it makes the bytes fewer by an eighth; absent otherwise.
  std::optional<std::string> compressed(std::string_view bytes) const;
  // The inverse, for a known size. Error damaged.
  std::string expanded(std::string_view bytes, std::size_t size) const;

 private:
  Database(std::string path, void* database) : path_(std::move(path)), database_(database) {}
  std::string path_;
  void* database_ = nullptr;
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> statements_;
};

// Taken back unless committed. Begins as a writer, so that it never fails half-way for another writer.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(&database) { database.run("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database* database_;
};

}  // namespace mlops
