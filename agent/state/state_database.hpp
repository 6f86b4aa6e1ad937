// The state database of one identity: found, made, brought up to date, or set aside where it is damaged.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "state/database.hpp"

namespace mlops {

// Gets a sentence for the person.
using Notice = std::function<void(const std::string&)>;

struct StateDatabaseSettings {
  std::string folder;  // from prepare_state_folder or find_state_folder
  // reading: nothing is made, brought up to date or set aside; one of an older program is read from a copy in memory that
  // is brought up to date.
  enum class For { reading, writing } use = For::writing;
  Notice notice;                          // may be empty
  std::span<const char* const> migrations;  // empty: those of this program
};

// FOLDER/state.db, mode 0600. One that is damaged is set aside beside it, and a new one is begun: nothing is dropped
// in silence. Null only for reading, where there is none or it cannot be read, which notice is told. Error where a
// newer program wrote it, the disk is full or read-only, or another process holds it.
std::unique_ptr<Database> open_state_database(const StateDatabaseSettings& settings);

// Whether all of FOLDER/state.db can be read, and its content is whole: looked at anew, so that one call that failed counts
// for nothing. tables: also has_right_tables. Error where it cannot be read: that is no damage.
bool is_sound(const std::string& folder, bool tables = true);

// Whether the tables are those that the migrations of this program made. Damage in their descriptions can read as an error
// of SQL, which no statement of this program has by itself.
bool has_right_tables(Database& database);

// Moves FOLDER/state.db and what belongs to it aside, because of the reason; notice is told where. A new one is made
// by the next open. Nothing where it is no longer the file of this inode: another process was faster.
void set_state_aside(const std::string& folder, std::uint64_t inode, const std::string& reason, const Notice& notice);

}  // namespace mlops
