import Glibc
import MailTesting
import PostOffice
import Testing

@Suite struct ServiceManagerTests {
    /// A datagram socket as a service manager has it.
    private static func receiver(_ name: [UInt8]) -> Int32 {
        let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let bound = withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, length) } }
        return bound == 0 ? fd : -1
    }

    private static func read(_ fd: Int32) -> String {
        var block = [UInt8](repeating: 0, count: 1000)
        let count = recv(fd, &block, block.count, Int32(MSG_DONTWAIT))
        return count > 0 ? String(decoding: block[..<count], as: UTF8.self) : ""
    }

    @Test func itSpeaksToAPathAndToAnAbstractName() {
        let place = TemporaryDirectory("notify")
        defer { withExtendedLifetime(place) {} }
        let path = place("socket")
        for (variable, name) in [(path, Array(path.utf8) + [0]), ("@po-\(getpid())", [0] + Array("po-\(getpid())".utf8))] {
            let fd = Self.receiver(name)
            defer { close(fd) }
            #expect(fd >= 0)
            ServiceManager(environment: ["NOTIFY_SOCKET": variable], processID: 1).notify("READY=1")
            #expect(Self.read(fd) == "READY=1")
        }
    }

    @Test func withoutAManagerNothingHappens() {
        ServiceManager(environment: [:], processID: 1).notify("READY=1")
        ServiceManager(environment: ["NOTIFY_SOCKET": "relative"], processID: 1).notify("READY=1")
        ServiceManager(environment: ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 500)], processID: 1).notify("READY=1")
    }

    @Test func theWatchdogIsFedAtHalfItsTime() {
        let manager: (String, String?) -> Int64? = { microseconds, pid in
            var environment = ["NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": microseconds]
            environment["WATCHDOG_PID"] = pid
            return ServiceManager(environment: environment, processID: 77).watchdogInterval
        }
        #expect(manager("20000000", nil) == 10_000)
        #expect(manager("20000000", "77") == 10_000)
        #expect(manager("20000000", "78") == nil)
        #expect(manager("0", nil) == nil)
        #expect(manager("-5", nil) == nil)
        #expect(manager("x", nil) == nil)
        #expect(manager("1", nil) == 1)
    }
}
