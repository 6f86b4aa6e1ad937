// What the start-up files of shells say about PATH. Shells are not parsed whole: what is told of a line is what
// people write there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mlops {

enum class ShellSyntax { posix, fish };  // posix: sh, bash and zsh

// Whether a line puts the folder on PATH of the shell that reads it, alone or behind a condition. folder and
// home are absolute; $HOME/x, ${HOME}/x and ~/x are below home. posix: export PATH=…, PATH=…, PATH+=…,
// path=(…), path+=(…); fish: fish_add_path …, set … PATH …, set … fish_user_paths ….
bool adds_to_path(ShellSyntax syntax, std::string_view line, const std::string& folder,
                  const std::string& home);

// The index of the line where a .bashrc ends for shells that are not interactive (Debian: `case $- in … *)
// return;;`; others: `[ -z "$PS1" ] && return`, `[[ $- != *i* ]] && return`); the number of lines when it does
// not.
std::size_t early_return(const std::vector<std::string_view>& lines);

}  // namespace mlops
