// The state database of one identity: finds, creates and migrates it, and sets it aside if it is damaged.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "state/database.hpp"

namespace mlops {

// Reports a sentence to the person.
using Notice = std::function<void(const std::string&)>;

struct StateDatabaseSettings {
  std::string folder;  // from prepare_state_folder or find_state_folder
  // reading: nothing is created, migrated or set aside; a database of an older version is read from an
  // in-memory copy, which is migrated.
  enum class For { reading, writing } use = For::writing;
  Notice notice;                            // may be empty
  std::span<const char* const> migrations;  // empty: those of this program
};

// FOLDER/state.db, mode 0600. A damaged one is set aside beside it, and a new one is created: nothing is
// dropped silently. Null only for reading, if there is none or it cannot be read, which notice reports. Error
// if a newer version wrote it, the disk is full or read-only, or another process holds it.
std::unique_ptr<Database> open_state_database(const StateDatabaseSettings& settings);

// Whether all of FOLDER/state.db can be read, and its content is intact: checked afresh, so that one failed
// call does not count. tables: also has_right_tables. Error if it cannot be read: that is not damage.
bool is_sound(const std::string& folder, bool tables = true);

// Whether the tables are those that this program's migrations create. Damage in their definitions can show as
// an SQL error, which no statement of this program causes by itself.
bool has_right_tables(Database& database);

// Moves FOLDER/state.db and its companion files aside, for the given reason; notice reports where to. The next
// open creates a new one. Does nothing if it is no longer the file of this inode: another process was faster.
void set_state_aside(const std::string& folder, std::uint64_t inode, const std::string& reason,
                     const Notice& notice);

}  // namespace mlops
