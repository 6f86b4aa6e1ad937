// A check of the undefined-behaviour sanitizer that fails is a trap in these builds: its stack is printed. And
// GCC 12 may take what lies before a thread's block of variables of a library that was loaded later (libssh)
// for where it begins, and crash when it looks for leaks there: those blocks are left out.
extern "C" const char* __asan_default_options() { return "handle_sigill=1:intercept_tls_get_addr=0"; }
