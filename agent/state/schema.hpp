// The tables of the state database, and how older ones become them.
#pragma once

#include <cstdint>
#include <span>

namespace mlops {

// "mlop": what SQLite's file(1) entry and our own check know the file by.
inline constexpr std::int64_t state_application_id = 0x6d6c6f70;

// migrations()[n] turns version n into n + 1; version 0 is an empty database. What was released is never edited: a
// change of the tables is a further entry.
std::span<const char* const> migrations();

}  // namespace mlops
