// A check of the undefined-behaviour sanitizer that fails is a trap in these builds: its stack is printed.
extern "C" const char* __asan_default_options() { return "handle_sigill=1"; }
