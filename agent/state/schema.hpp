// The tables of the state database, and their migrations.
#pragma once

#include <cstdint>
#include <span>

namespace mlops {

// "mlop": identifies the file to SQLite's file(1) entry and to our own check.
inline constexpr std::int64_t state_application_id = 0x6d6c6f70;

// migrations()[n] migrates version n to n + 1; version 0 is an empty database. Released migrations are never
// edited: a change of the tables is a further entry.
std::span<const char* const> migrations();

}  // namespace mlops
