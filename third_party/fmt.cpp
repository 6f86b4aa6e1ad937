// fmt's functions that are not templates, compiled from the installed headers into the program itself: Debian
// has no static libfmt, the shared one brings a second C++ runtime and 3 ms of start-up, and header-only use
// doubles the compile time of every file. The templates are those that fmt 9 declares `extern` in fmt/format.h
// and fmt/core.h.
#include <fmt/format-inl.h>

#if FMT_VERSION / 10000 != 9
#error \
    "third_party/fmt.cpp instantiates what fmt 9 declares; the build uses fmt::fmt-header-only for other versions"
#endif

FMT_BEGIN_NAMESPACE
namespace detail {
template FMT_API auto dragonbox::to_decimal(float) noexcept -> dragonbox::decimal_fp<float>;
template FMT_API auto dragonbox::to_decimal(double) noexcept -> dragonbox::decimal_fp<double>;
template FMT_API locale_ref::locale_ref(const std::locale&);
template FMT_API auto locale_ref::get<std::locale>() const -> std::locale;
template FMT_API auto thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template FMT_API auto decimal_point_impl(locale_ref) -> char;
template FMT_API void buffer<char>::append(const char*, const char*);
template FMT_API void vformat_to(buffer<char>&, string_view, basic_format_args<FMT_BUFFER_CONTEXT(char)>,
                                 locale_ref);
}  // namespace detail
FMT_END_NAMESPACE
