internal import Glibc

/// A name server (nsd) on loopback with a root of its own and zones below it, signed or not, as a test wants them.
package final class SignedDNS {
    package struct Zone: Sendable {
        /// Without the final dot.
        package var name: String
        /// As in a zone file, names complete, with a final dot.
        package var records: [String]
        package var isSigned: Bool
        /// Done to the signed zone before it is served, so that signatures become wrong.
        package var forge: @Sendable (String) -> String

        package init(_ name: String, _ records: [String], isSigned: Bool = true, forge: @escaping @Sendable (String) -> String = { $0 }) {
            self.name = name
            self.records = records
            self.isSigned = isSigned
            self.forge = forge
        }
    }

    package let port: Int
    /// The DS record of the root: what a validating resolver starts from.
    package let anchor: String
    private let directory = TemporaryDirectory("dns")
    private var server: ChildProcess?

    /// The programs are those of the packages nsd and ldnsutils.
    package init(_ zones: [Zone]) throws {
        var root = [". IN SOA ns. root. 1 3600 600 86400 60", ". IN NS ns.", "ns. IN A 127.0.0.1"]
        for zone in zones {
            let head = ["\(zone.name). IN SOA ns. root. 1 3600 600 86400 60", "\(zone.name). IN NS ns."]
            let digest = try Self.write(zone, head + zone.records, self.directory)
            root.append("\(zone.name). IN NS ns.")
            if let digest { root.append(digest) }
        }
        self.anchor = try Self.write(Zone("", []), root, self.directory) ?? ""
        let names = [""] + zones.map(\.name)
        var last = ""
        for _ in 0..<5 {
            let port = try Self.freePort()
            self.directory.write("nsd.conf", Self.configuration(port, names, self.directory))
            let server = try ChildProcess(
                "/usr/sbin/nsd", ["-d", "-c", self.directory("nsd.conf")], output: self.directory("log"), errors: self.directory("log"))
            if Self.answers(port, server) {
                (self.server, self.port) = (server, port)
                return
            }
            last = ChildProcess.text(of: self.directory("log"))
            server.kill()
        }
        throw ChildProcess.Failure(description: "nsd does not answer: \(last)")
    }

    deinit { self.stop() }

    package func stop() {
        // Politely it may take half a minute, where whoever started us had blocked the signal. Its own children go with it.
        self.server?.kill()
        self.server = nil
    }

    /// Signs a zone; gives its DS record.
    private static func write(_ zone: Zone, _ records: [String], _ directory: TemporaryDirectory) throws -> String? {
        let origin = "\(zone.name)."
        let file = "zone-\(zone.name)"
        directory.write(file, "$ORIGIN .\n$TTL 60\n" + records.joined(separator: "\n") + "\n")
        guard zone.isSigned else { return nil }
        let script = """
            set -e; cd "$1"; key=$(ldns-keygen -a ECDSAP256SHA256 -k -r /dev/urandom "$2")
            ldns-signzone -o "$2" -f "$3.signed" "$3" "$key"; mv "$3.signed" "$3"; cat "$key.ds" > "$3.ds"
            """
        let result = try ChildProcess.run("/bin/sh", ["-c", script, "sign", directory.path, origin, file])
        guard result.ending == .exited(0) else { throw ChildProcess.Failure(description: "\(origin) was not signed: \(result.output)") }
        directory.write(file, zone.forge(ChildProcess.text(of: directory(file))))
        return String(ChildProcess.text(of: directory("\(file).ds")).prefix { $0 != "\n" && $0 != ";" })
    }

    private static func configuration(_ port: Int, _ names: [String], _ directory: TemporaryDirectory) -> String {
        let zones = names.map { "zone:\n  name: \"\($0).\"\n  zonefile: \"zone-\($0)\"\n" }.joined()
        return """
            server:
              ip-address: 127.0.0.1
              port: \(port)
              username: ""
              zonesdir: "\(directory.path)"
              database: ""
              pidfile: ""
              xfrdfile: "\(directory("xfrd"))"
              xfrdir: "\(directory.path)"
              zonelistfile: "\(directory("zones"))"
              server-count: 1
            remote-control:
              control-enable: no
            \(zones)
            """
    }

    /// A port that is free for UDP and TCP a moment before it is used.
    private static func freePort() throws -> Int {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length) == 0 && getsockname(listener, raw, &length) == 0
            }
        }
        guard port else { throw ChildProcess.Failure(description: "no port") }
        return Int(UInt16(bigEndian: name.sin_port))
    }

    /// True once the server takes a connection; false when it has ended.
    private static func answers(_ port: Int, _ server: ChildProcess) -> Bool {
        eventually(within: 60) { server.poll() != nil || (try? LineConnection(port: port, timeout: 1)) != nil } && server.poll() == nil
    }
}
