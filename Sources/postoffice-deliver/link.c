// The package is linked by the Swift driver, which adds a start-up object and libraries of Swift to everything. With what the object asks
// for here, and the linker told to leave out what nobody needs, nothing of Swift is loaded into this process.
void swift_addNewDSOImage(const void *image) { (void)image; }
int _swift_backtrace_isThunkFunction(const char *name) { return name == 0; }
__attribute__((used, section(".swift1_autolink_entries"))) static const char as_needed[] = "-Wl,--as-needed";
