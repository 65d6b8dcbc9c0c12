import CLinux
import Glibc
import LoadKit

adopt_orphans()
signal(SIGPIPE, SIG_IGN)
raiseDescriptorLimit()
do {
    let arguments = CommandLine.arguments.dropFirst()
    switch arguments.first {
    case "load": try LoadCommand(arguments.dropFirst()).execute()
    case "disk": try measureDisk()
    case "sink": try measureSink()
    default: try Options(arguments).execute()
    }
} catch {
    print("\(error)")
    exit(1)
}

/// 10,000 connections need as many descriptors here, and in the servers that inherit the limit.
func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
