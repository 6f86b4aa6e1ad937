// Finds changes of PATH in shells' start-up files. Shell code is not fully parsed: only common forms are
// recognized.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

enum class ShellSyntax { posix, fish };  // posix: sh, bash and zsh

// Whether a line adds the folder to PATH of the shell that reads it, alone or after a condition. folder and
// home are absolute; $HOME/x, ${HOME}/x and ~/x are below home. posix: export PATH=…, PATH=…, PATH+=…,
// path=(…), path+=(…); fish: fish_add_path …, set … PATH …, set … fish_user_paths ….
bool adds_to_path(ShellSyntax syntax, std::string_view line, const std::string& folder,
                  const std::string& home);

// The index of the line at which a .bashrc returns for non-interactive shells (Debian: `case $- in … *)
// return;;`; others: `[ -z "$PS1" ] && return`, `[[ $- != *i* ]] && return`); the number of lines if it does
// not.
std::size_t early_return(const std::vector<std::string_view>& lines);

}  // namespace mlops
