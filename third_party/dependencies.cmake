# What the build takes from the distribution; packages, versions and licences stand in packages.txt.
find_package(fmt 9 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NETTLE REQUIRED nettle)
pkg_check_modules(LIBCURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(LIBSYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40 libzstd>=1.5)
pkg_check_modules(LIBSSH REQUIRED IMPORTED_TARGET libssh>=0.10)

if(fmt_VERSION VERSION_LESS 10)
  add_library(third_party_fmt STATIC ${CMAKE_CURRENT_LIST_DIR}/fmt.cpp)
  get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(third_party_fmt SYSTEM PUBLIC ${fmt_headers})
  target_compile_options(third_party_fmt PRIVATE -w)
  add_library(third_party::fmt ALIAS third_party_fmt)
else()
  add_library(third_party::fmt ALIAS fmt::fmt-header-only)
endif()
add_library(third_party::json ALIAS nlohmann_json::nlohmann_json)
add_library(third_party::cli ALIAS CLI11::CLI11)

# Digests: linked statically, for start-up.
add_library(third_party_digest INTERFACE)
find_library(NETTLE_STATIC NAMES libnettle.a REQUIRED)
target_link_libraries(third_party_digest INTERFACE ${NETTLE_STATIC})
add_library(third_party::digest ALIAS third_party_digest)

# Regular expressions: linked statically, for start-up, and so that nothing of it has to travel to other hosts.
find_path(RE2_INCLUDE_DIR re2/re2.h REQUIRED)
find_library(RE2_STATIC NAMES libre2.a REQUIRED)
add_library(third_party_regex INTERFACE)
target_include_directories(third_party_regex SYSTEM INTERFACE ${RE2_INCLUDE_DIR})
target_link_libraries(third_party_regex INTERFACE ${RE2_STATIC} Threads::Threads)
add_library(third_party::regex ALIAS third_party_regex)

# Boost.Process v2 without its library; used by one file.
add_library(third_party_process INTERFACE)
target_link_libraries(third_party_process INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(third_party_process INTERFACE BOOST_PROCESS_V2_HEADER_ONLY BOOST_ASIO_NO_DEPRECATED)
add_library(third_party::process ALIAS third_party_process)

# dtl: text diffs; headers only, no package configuration.
add_library(third_party_diff INTERFACE)
find_path(DTL_INCLUDE_DIR dtl/dtl.hpp REQUIRED)
target_include_directories(third_party_diff SYSTEM INTERFACE ${DTL_INCLUDE_DIR})
add_library(third_party::diff ALIAS third_party_diff)

# What the backends link, by the backend's name.
add_library(third_party::curl ALIAS PkgConfig::LIBCURL)
add_library(third_party::systemd ALIAS PkgConfig::LIBSYSTEMD)
add_library(third_party::sqlite ALIAS PkgConfig::SQLITE)
# Linked statically where it can be: nothing has to travel, and its shared library brings a second C++ runtime.
find_path(PUGIXML_INCLUDE_DIR pugixml.hpp REQUIRED)
find_library(PUGIXML_LIBRARY NAMES libpugixml.a pugixml REQUIRED)
add_library(third_party_xml INTERFACE)
target_include_directories(third_party_xml SYSTEM INTERFACE ${PUGIXML_INCLUDE_DIR})
target_link_libraries(third_party_xml INTERFACE ${PUGIXML_LIBRARY})
add_library(third_party::xml ALIAS third_party_xml)
add_library(third_party_ssh INTERFACE)
target_link_libraries(third_party_ssh INTERFACE PkgConfig::LIBSSH Threads::Threads)
add_library(third_party::ssh ALIAS third_party_ssh)
