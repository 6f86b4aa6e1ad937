// "Keep it on": what people leave for the next check.
//
// Each request is a file of its own in a folder that everybody may write to, with the sticky bit: a person
// needs no other right for it, withdraws only their own requests, and cannot touch another's. The folder lies
// on a disk, where everybody may write to /var/tmp anyhow, and not in /run, which anybody could fill. A request
// holds for the boot in which it was made, and for a week at most.
#pragma once

#include <cstdint>
#include <string>

namespace mlops {

inline constexpr std::uint64_t longest_keep = 7 * 24 * 3600;  // seconds

// Makes the folder if there is none, and gives it the rights that requests need. As root. Error.
void prepare_keep_folder(const std::string& folder);

// Leaves a request until then (seconds since the boot), in place of the caller's earlier ones; 0 only withdraws
// those. It is there whole or not at all, so that no check takes half of one for rubbish. Error if the folder
// does not exist or cannot be written to.
void request_keep(const std::string& folder, std::uint64_t until);

// The latest time that anybody asked for in this boot, in seconds since it; 0 if there is none after `now`.
// Whatever else lies there is ignored, and removed where `remove_others`, but for folders with content. Error
// if the folder cannot be read to its end, or not within 20 s.
std::uint64_t requested_keep(const std::string& folder, std::uint64_t now, bool remove_others);

}  // namespace mlops
