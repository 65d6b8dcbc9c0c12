import Glibc

/// Where the instance is whose `sendmail` the links of this machine are: read by every user, who may not read the start file, written by setup.
/// Without it everything is in the usual places.
package struct InstanceNotice: Sendable, Equatable {
    package static let file = "/etc/post.office.sendmail"

    package var configuration: String
    package var drop: String

    package init(configuration: String, drop: String) {
        self.configuration = configuration
        self.drop = drop
    }

    // Lines `key value`.
    package var text: String { "configuration \(self.configuration)\ndrop \(self.drop)\n" }

    /// nil where there is none, or somebody beside root could have written it: he would get everybody's mail.
    package static func read(_ path: String = Self.file, owner: UInt32 = 0) -> InstanceNotice? {
        let fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var facts = stat()
        guard fstat(fd, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == owner, facts.st_mode & 0o022 == 0,
            let bytes = try? FileAccess.contents(of: fd, limit: 20_000)
        else { return nil }
        var found: [Substring: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1)
            if parts.count == 2 { found[parts[0]] = String(parts[1]) }
        }
        guard let configuration = found["configuration"], let drop = found["drop"], configuration.hasPrefix("/"), drop.hasPrefix("/") else {
            return nil
        }
        return InstanceNotice(configuration: configuration, drop: drop)
    }
}
