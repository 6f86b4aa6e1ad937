// A stand-in for systemd's manager in a world: the part of org.freedesktop.systemd1(5) that the agent asks, on
// the manager's own socket (/run/systemd/private).
#pragma once

#include <string>

namespace torture {

// Starts it as a process of its own, and returns when it answers. To be called in a world, as root.
//
// Units are the files of /etc/systemd/system. One is enabled when /etc/systemd/system/multi-user.target.wants
// has its link; those run from boot, which is when /run is empty. What runs outlives the process, as
// /run/standin-units/NAME, until /run is lost; for a unit with User= a process of that user listens on the port
// of its --port=, and knows the token of its JUPYTER_TOKEN_FILE. A unit with X-Reads=PATH has copied that file
// to PATH.read when it was last started, restarted or reloaded: what a notification must have brought about.
void start_service_manager();

}  // namespace torture
