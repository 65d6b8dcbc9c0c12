import CPlatform
import Glibc
import Vocabulary

/// Who the service runs as.
package struct ServiceIdentity: Sendable, Equatable {
    package var user: String
    package var uid: UInt32
    package var gid: UInt32

    package var isRoot: Bool { self.uid == 0 || self.gid == 0 }

    /// From the names in the start file; nil when one is unknown to the system.
    package static func look(user: String, group: String?) -> ServiceIdentity? {
        guard let entry = getpwnam(user) else { return nil }
        var identity = ServiceIdentity(user: user, uid: entry.pointee.pw_uid, gid: entry.pointee.pw_gid)
        if let group {
            guard let found = getgrnam(group) else { return nil }
            identity.gid = found.pointee.gr_gid
        }
        return identity
    }
}

/// Gives up root for good and proves it.
package enum Privileges {
    /// Does nothing for who is not root. Without a service user, root is refused: mail is never handled as root.
    package static func drop(to start: StartConfiguration) throws(AdminFailure) {
        guard geteuid() == 0 || getuid() == 0 else { return try Self.checkOwnUser(start) }
        guard let user = start.user else {
            throw AdminFailure(
                Localized(
                    en: "\(start.file) names no `user`, and mail is never served as root; add `user: mta`",
                    ja: "\(start.file) に user がありません。root のままではメールを扱えません。「user: mta」を加えてください"), .misuse)
        }
        guard let identity = ServiceIdentity.look(user: user, group: start.group) else {
            throw AdminFailure(
                Localized(
                    en:
                        "\(start.file): user `\(user)` or group `\(start.group ?? user)` does not exist; run `postoffice setup` to create them",
                    ja: "\(start.file): ユーザ「\(user)」かグループ「\(start.group ?? user)」がありません。postoffice setup で作成してください"), .misuse)
        }
        if identity.isRoot {
            // A trial instance that root made in a directory that nobody else can enter (containers): reachable from this machine alone.
            if start.listeners.allSatisfy({ $0.address.ipAddress?.isLoopback ?? false }) { return }
            throw AdminFailure(
                Localized(
                    en: "\(start.file): the service user must not be root where others than this machine can connect; name another",
                    ja: "\(start.file): 外部から接続できるサービスを root で動かすことはできません。別のユーザにしてください"), .misuse)
        }
        guard po_drop_privileges(identity.user, identity.uid, identity.gid) == 0 else {
            throw AdminFailure(
                Localized(en: "root cannot be given up: \(SystemFailure("setuid"))", ja: "root 権限を放棄できません: \(SystemFailure("setuid"))"))
        }
        guard Self.isDropped(to: identity) else {
            throw AdminFailure(Localized(en: "root was not given up by all threads", ja: "root 権限を放棄できていないスレッドがあります"))
        }
    }

    /// An ordinary user can only be the service user: what anybody else writes, the service could not read.
    private static func checkOwnUser(_ start: StartConfiguration) throws(AdminFailure) {
        guard let user = start.user else { return }
        if let identity = ServiceIdentity.look(user: user, group: start.group), identity.uid == geteuid() { return }
        throw AdminFailure(
            Localized(
                en: "\(start.file) names the user `\(user)`; do this as root or as \(user)",
                ja: "\(start.file) のユーザは「\(user)」です。root か \(user) で実行してください"))
    }

    /// Reads the kernel's own account of every thread of this process: real, effective, saved and file-system ids, and capabilities.
    package static func isDropped(to identity: ServiceIdentity) -> Bool {
        guard let stream = opendir("/proc/self/task") else { return false }
        defer { closedir(stream) }
        var seen = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard name.first?.isNumber == true else { continue }
            guard let bytes = try? FileAccess.contents(of: "/proc/self/task/\(name)/status", limit: 1 << 16) else { return false }
            guard Self.isDropped(String(decoding: bytes, as: UTF8.self), identity) else { return false }
            seen += 1
        }
        return seen > 0
    }

    static func isDropped(_ status: String, _ identity: ServiceIdentity) -> Bool {
        var proven = 0
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            switch words.first {
            case "Uid:": proven += words.dropFirst().allSatisfy { UInt32($0) == identity.uid } ? 1 : 0
            case "Gid:": proven += words.dropFirst().allSatisfy { UInt32($0) == identity.gid } ? 1 : 0
            case "CapPrm:", "CapEff:": proven += words.dropFirst().allSatisfy { UInt64($0, radix: 16) == 0 } ? 1 : 0
            default: break
            }
        }
        return proven == 4
    }
}
