#include "state/database.hpp"

#include "backends/sqlite_api.hpp"
#include "base/backend.hpp"

namespace mlops {

struct SqliteFunctions {
  Backend backend{"sqlite"};
  mlops_sqlite_open_fn* open = backend.function<mlops_sqlite_open_fn>("mlops_sqlite_open");
  mlops_sqlite_copy_fn* copy = backend.function<mlops_sqlite_copy_fn>("mlops_sqlite_copy");
  mlops_sqlite_close_fn* close = backend.function<mlops_sqlite_close_fn>("mlops_sqlite_close");
  mlops_sqlite_moved_fn* moved = backend.function<mlops_sqlite_moved_fn>("mlops_sqlite_moved");
  mlops_sqlite_run_fn* run = backend.function<mlops_sqlite_run_fn>("mlops_sqlite_run");
  mlops_sqlite_prepare_fn* prepare = backend.function<mlops_sqlite_prepare_fn>("mlops_sqlite_prepare");
  mlops_sqlite_finalize_fn* finalize = backend.function<mlops_sqlite_finalize_fn>("mlops_sqlite_finalize");
  mlops_sqlite_bind_integer_fn* bind_integer =
      backend.function<mlops_sqlite_bind_integer_fn>("mlops_sqlite_bind_integer");
  mlops_sqlite_bind_text_fn* bind_text = backend.function<mlops_sqlite_bind_text_fn>("mlops_sqlite_bind_text");
  mlops_sqlite_bind_blob_fn* bind_blob = backend.function<mlops_sqlite_bind_blob_fn>("mlops_sqlite_bind_blob");
  mlops_sqlite_step_fn* step = backend.function<mlops_sqlite_step_fn>("mlops_sqlite_step");
  mlops_sqlite_reset_fn* reset = backend.function<mlops_sqlite_reset_fn>("mlops_sqlite_reset");
  mlops_sqlite_is_null_fn* is_null = backend.function<mlops_sqlite_is_null_fn>("mlops_sqlite_is_null");
  mlops_sqlite_integer_fn* integer = backend.function<mlops_sqlite_integer_fn>("mlops_sqlite_integer");
  mlops_sqlite_bytes_fn* bytes = backend.function<mlops_sqlite_bytes_fn>("mlops_sqlite_bytes");
  mlops_sqlite_compress_fn* compress = backend.function<mlops_sqlite_compress_fn>("mlops_sqlite_compress");
  mlops_sqlite_expand_fn* expand = backend.function<mlops_sqlite_expand_fn>("mlops_sqlite_expand");
};

namespace {

const SqliteFunctions& sqlite() {
  static const SqliteFunctions functions;
  return functions;
}

DatabaseError::Cause cause_of(mlops_sqlite_failure failure) {
  switch (failure) {
    case mlops_sqlite_damaged:
      return DatabaseError::Cause::damaged;
    case mlops_sqlite_full:
      return DatabaseError::Cause::full;
    case mlops_sqlite_busy:
      return DatabaseError::Cause::busy;
    case mlops_sqlite_read_only:
      return DatabaseError::Cause::read_only;
    case mlops_sqlite_system:
      return DatabaseError::Cause::system;
    case mlops_sqlite_none:
    case mlops_sqlite_other:
      break;
  }
  return DatabaseError::Cause::other;
}

DatabaseError error_of(const mlops_sqlite_result& result) { return {cause_of(result.failure), result.message}; }

}  // namespace

Statement::~Statement() { functions_.finalize(statement_); }

void Statement::reset() { functions_.reset(statement_); }

void Statement::bind(int parameter, std::int64_t value) {
  functions_.bind_integer(statement_, parameter, value);
}

void Statement::bind(int parameter, std::string_view value) {
  functions_.bind_text(statement_, parameter, value.data() ? value.data() : "", value.size());
}

void Statement::bind(int parameter, Blob value) {
  functions_.bind_blob(statement_, parameter, value.bytes.data() ? value.bytes.data() : "", value.bytes.size());
}

bool Statement::step() {
  mlops_sqlite_result result;
  const int found = functions_.step(statement_, &result);
  if (found < 0) throw error_of(result);
  return found == 1;
}

bool Statement::is_null(int column) const { return functions_.is_null(statement_, column); }

std::int64_t Statement::integer(int column) const { return functions_.integer(statement_, column); }

std::string Statement::text(int column) const {
  std::size_t size = 0;
  const char* bytes = functions_.bytes(statement_, column, &size);
  return bytes ? std::string(bytes, size) : std::string();
}

Database::Database(const std::string& path, Open how, int busy_ms) : path_(path) {
  mlops_sqlite_result result;
  database_ = sqlite().open(path.c_str(), how == Open::make, busy_ms, &result);
  if (!database_) throw error_of(result);
}

std::unique_ptr<Database> Database::copy() const {
  mlops_sqlite_result result;
  void* copied = sqlite().copy(database_, &result);
  if (!copied) throw error_of(result);
  return std::unique_ptr<Database>(new Database(path_, copied));
}

Database::~Database() {
  statements_.clear();
  sqlite().close(database_);
}

void Database::run(const std::string& sql) {
  mlops_sqlite_result result;
  if (!sqlite().run(database_, sql.c_str(), &result)) throw error_of(result);
}

Statement& Database::statement(const char* sql) {
  if (const auto known = statements_.find(std::string_view(sql)); known != statements_.end())
    return *known->second;
  mlops_sqlite_result result;
  void* prepared = sqlite().prepare(database_, sql, &result);
  if (!prepared) throw error_of(result);
  return *statements_.emplace(sql, std::make_unique<Statement>(sqlite(), prepared)).first->second;
}

std::int64_t Database::integer(const char* sql) {
  Statement& asked = statement(sql).with();
  const std::int64_t found = asked.step() ? asked.integer(0) : 0;
  asked.with();
  return found;
}

bool Database::moved() const { return sqlite().moved(database_); }

std::optional<std::string> Database::compressed(std::string_view bytes) const {
  std::string packed(bytes.size() - bytes.size() / 8, '\0');
  packed.resize(sqlite().compress(bytes.data(), bytes.size(), packed.data(), packed.size()));
  if (packed.empty()) return std::nullopt;
  return packed;
}

std::string Database::expanded(std::string_view bytes, std::size_t size) const {
  std::string whole(size, '\0');
  if (sqlite().expand(bytes.data(), bytes.size(), whole.data(), size) != size)
    throw DatabaseError(DatabaseError::Cause::damaged, "what was compressed cannot be expanded");
  return whole;
}

Transaction::~Transaction() {
  if (!database_) return;
  try {
    database_->run("ROLLBACK");
  } catch (const DatabaseError&) {
    // SQLite rolls back by itself after some errors.
  }
}

void Transaction::commit() {
  database_->run("COMMIT");
  database_ = nullptr;
}

}  // namespace mlops
