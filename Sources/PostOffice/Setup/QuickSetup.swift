import Glibc
import Vocabulary

/// `setup --quick DIR`: a complete private instance on loopback, for a person who tries it out and for tests. What it writes is a
/// contract (instance.env): names and order stay as they are.
struct QuickSetup {
    static let defaultDomain = "example.test"

    let directory: String
    let portBase: Int?
    /// nil keeps that of an earlier run.
    let domain: String?

    var configurationFile: String { self.directory + "/post.office.conf" }
    var environmentFile: String { self.directory + "/instance.env" }

    var certificateFile: String { self.directory + "/ca.pem" }

    /// Names in the directory that are not of an instance, sorted; none where it is empty, ours, or what an interrupted setup left.
    var foreignFiles: [String] {
        guard InstanceMarker.read(self.directory + "/spool") == nil else { return [] }
        return (SetupChecks.entries(of: self.directory) ?? []).filter { name in
            // Before the marker there are no more than these two, with nothing in them.
            guard name == "spool" || name == "mailbox", let entries = SetupChecks.entries(of: "\(self.directory)/\(name)") else {
                return true
            }
            return !entries.allSatisfy(InstanceMarker.names.contains)
        }
    }

    /// What an earlier run chose is kept: domain, ports and password.
    func plan() throws(AdminFailure) -> SetupPlan {
        let earlier = self.earlier
        let domain = self.domain ?? earlier["DOMAIN"] ?? Self.defaultDomain
        var plan = SetupPlan(
            configurationFile: self.configurationFile,
            directories: .init(program: Self.programDirectory, spool: self.directory + "/spool", mailbox: self.directory + "/mailbox"),
            user: geteuid() == 0 ? "root" : nil, group: nil, domain: domain, hostName: "mail.\(domain)", nameServers: [],
            address: .address(Self.loopback), ports: try self.ports(earlier),
            postmasterPassword: earlier["POSTMASTER_PASSWORD"] ?? InstanceMarker.random(16))
        plan.staysHere = true
        plan.systemDelivery = (try? StartConfiguration.read(file: self.configurationFile))?.systemDelivery
        plan.replacesPassword = earlier["POSTMASTER_PASSWORD"] == nil
        return plan
    }

    /// Last of all: who finds this file finds a finished instance.
    func writeEnvironment(_ plan: SetupPlan) throws(SystemFailure) {
        let start = StartConfiguration(file: self.configurationFile, directories: plan.directories, listeners: [])
        var lines = ["HOST=\(Self.loopback)", "DOMAIN=\(plan.domain)"]
        // The order of the contract; what came later stands at the end.
        let (first, later) = (InstancePort.allCases.prefix { $0 != .passwords }, InstancePort.allCases.drop { $0 != .passwords })
        for port in first { lines.append("\(port.variable)=\(plan.ports[port] ?? 0)") }
        lines.append("POSTMASTER_PASSWORD=\(plan.postmasterPassword ?? "")")
        lines.append("CA_FILE=\(try self.publishCertificate(plan))")
        lines.append("PID_FILE=\(start.dispatcherPIDFile)")
        lines.append("MTA_PID_FILE=\(start.mtaPIDFile)")
        for port in later { lines.append("\(port.variable)=\(plan.ports[port] ?? 0)") }
        try FileAccess.replace(self.environmentFile, with: Array((lines.joined(separator: "\n") + "\n").utf8), mode: 0o600)
    }

    /// A copy of the certificate that every client of this machine can read: the spool is closed to others.
    private func publishCertificate(_ plan: SetupPlan) throws(SystemFailure) -> String {
        let path = self.certificateFile
        let chain = try FileAccess.contents(of: CertificateStore(spool: plan.directories.spool).main.chain, limit: 1 << 20)
        try FileAccess.replace(path, with: chain, mode: 0o644)
        return path
    }

    /// `NAME=value` lines of an earlier run.
    var earlier: [String: String] {
        guard let bytes = try? FileAccess.contents(of: self.environmentFile, limit: 1 << 16) else { return [:] }
        var found: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            if let border = line.firstIndex(of: "=") { found[String(line[..<border])] = String(line[line.index(after: border)...]) }
        }
        return found
    }

    private func ports(_ earlier: [String: String]) throws(AdminFailure) -> [InstancePort: Int] {
        let all = InstancePort.allCases
        if self.portBase == nil {
            let kept = all.compactMap { port in earlier[port.variable].flatMap(Int.init).map { (port, $0) } }
            if kept.count == all.count { return Dictionary(kept, uniquingKeysWith: { first, _ in first }) }
            // Of an earlier version: what it had stays, what is new since then gets ports of its own.
            if kept.count > all.count / 2, let base = FreePorts.block(of: all.count) {
                return Dictionary(kept + zip(all, base...), uniquingKeysWith: { first, _ in first })
            }
        }
        guard let base = self.portBase ?? FreePorts.block(of: all.count) else {
            throw AdminFailure(
                Localized(en: "no free ports were found; name one with --port-base", ja: "空きポートがありません。--port-base で指定してください"))
        }
        return Dictionary(zip(all, base...), uniquingKeysWith: { first, _ in first })
    }

    private static var loopback: IPAddress {
        // SAFETY: four bytes are always an address.
        guard let address = IPAddress(bytes: [127, 0, 0, 1]) else { preconditionFailure("loopback") }
        return address
    }

    /// Where this executable lies.
    static var programDirectory: String {
        guard let path = realpath("/proc/self/exe", nil) else { return "/opt/post.office" }
        defer { free(path) }
        let text = String(cString: path)
        return String(text[..<(text.lastIndex(of: "/") ?? text.startIndex)])
    }
}
