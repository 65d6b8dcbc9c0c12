// What a fuzzer begins with. The package manager gives the `main` of every program a name of its own (`fuzz_NAME_main`), also where
// the compiler makes none; the linker is told to take this one for it.
int fuzzer_main(int count, char **words);
