// The files that systemd reads units from, and SysV's init scripts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mlops {

// When the newest of the unit's files was last changed in any way, in microseconds since the epoch: its file
// and its drop-in folders (systemd.unit(5): "a-b.service.d", for a template's instance also that of the
// template, for "a-b" also "a-", for all of a type "service.d"), the folders themselves included, in any of
// these folders. names: the unit and its aliases. 0 if there are none.
std::int64_t newest_unit_file(const std::vector<std::string>& folders, const std::vector<std::string>& names);

// A path that systemd reads units from (systemd.unit(5)).
bool is_unit_file(const std::string& path);

// The unit's init script below root/etc/init.d, by its name; "" if it has none.
std::string init_script(const std::string& root, const std::string& unit);
// Whether the script starts at boot, like `systemctl is-enabled` on Debian: it has a start link for runlevel 5
// or S.
bool starts_at_boot(const std::string& root, const std::string& script);

}  // namespace mlops
