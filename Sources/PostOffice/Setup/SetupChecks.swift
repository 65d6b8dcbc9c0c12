import Bytes
import CPlatform
import Glibc
package import Vocabulary

/// Rules for the answers that setup takes; nil is good, else one sentence.
package enum SetupChecks {
    /// A domain of which this is the mail server: letters, digits, hyphens; no address, no URL. [RFC1035-2.3.1]
    package static func domain(_ text: String) -> Localized? {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 >= 0x80 }
        }
        guard isName, labels.count >= 2, text.utf8.count <= 253 else {
            return Localized(
                en: "`\(text)` is no domain; write for example example.com, without host name",
                ja: "「\(text)」はドメインではありません。example.com のようにホスト名なしで書いてください")
        }
        return nil
    }

    /// At least six characters, no blank at either end.
    package static func postmasterPassword(_ text: String) -> Localized? {
        if text.count < 6 {
            return Localized(en: "the postmaster password needs at least 6 characters", ja: "ポストマスタのパスワードは 6 文字以上にしてください")
        }
        let blanks: Set<Character> = [" ", "\t", "\u{3000}"]
        if let first = text.first, let last = text.last, blanks.contains(first) || blanks.contains(last) {
            return Localized(en: "the password must not begin or end with a blank", ja: "パスワードの最初と最後に空白は使えません")
        }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return Localized(en: "the password must not hold control characters", ja: "パスワードに制御文字は使えません")
        }
        return nil
    }

    /// No two services on one port: the second would keep the server from starting.
    package static func ports(_ ports: [InstancePort: Int]) -> Localized? {
        var owners: [Int: InstancePort] = [:]
        for port in InstancePort.allCases where port.role != nil {
            guard let number = ports[port] else { continue }
            if let other = owners.updateValue(port, forKey: number) {
                return Localized(
                    en: "\(other.rawValue) and \(port.rawValue) have both port \(number); give one of them another with --port",
                    ja: "\(other.rawValue) と \(port.rawValue) のポートがどちらも \(number) です。--port で一方を変えてください")
            }
        }
        return nil
    }

    /// Name servers: one or more addresses.
    package static func nameServers(_ texts: [String]) -> Localized? {
        guard let bad = texts.first(where: { IPAddress($0) == nil }) else { return nil }
        return Localized(en: "`\(bad)` is no IP address of a name server", ja: "「\(bad)」はネームサーバの IP アドレスではありません")
    }

    /// A directory for mail: on a local disk, and empty or this instance's own.
    ///
    /// - Parameter fileSystem: the number of statfs(2) for an existing path; exchanged by tests, which have no network disk.
    package static func directory(
        _ path: String, marker id: String?, fileSystem: (String) -> UInt64 = { po_filesystem_type($0) }
    ) -> Localized? {
        guard path.hasPrefix("/") else {
            return Localized(en: "\(path) is no absolute path", ja: "\(path) は絶対パスではありません")
        }
        if let name = Self.networkFileSystem(of: path, fileSystem) {
            return Localized(
                en:
                    "\(path) lies on a network file system (\(name)), which does not keep the promises that mail needs; choose a local disk",
                ja: "\(path) はネットワークファイルシステム (\(name)) 上にあります。メールの保存には使えません。ローカルディスクを選んでください")
        }
        guard let entries = Self.entries(of: path), !entries.allSatisfy(InstanceMarker.names.contains) else { return nil }
        let marker = InstanceMarker.read(path)
        if let marker, id == nil || marker == id { return nil }
        if marker != nil {
            return Localized(
                en: "\(path) belongs to another instance of Post.Office; choose an empty directory",
                ja: "\(path) は別の Post.Office のものです。空のディレクトリを選んでください")
        }
        return Localized(
            en: "\(path) is not empty and not of Post.Office; choose an empty directory",
            ja: "\(path) は空ではなく、Post.Office のものでもありません。空のディレクトリを選んでください")
    }

    /// The maildrop directory, which is never changed here: root's, of the group mail, set-gid, so that locks can be made in it and maildrops
    /// belong to that group.
    static func maildrops(_ path: String) -> Localized? {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            return Localized(
                en: "note: \(path) is not there; make it: install -d -o root -g mail -m 2775 \(path)",
                ja: "注意: \(path) がありません。作成してください: install -d -o root -g mail -m 2775 \(path)")
        }
        let isRight = facts.st_uid == 0 && facts.st_mode & 0o2020 == 0o2020 && facts.st_mode & 0o002 == 0 && facts.st_gid != 0
        if isRight { return nil }
        return Localized(
            en: "note: \(path) should be root's, of the group mail and set-gid: chown root:mail \(path); chmod 2775 \(path)",
            ja: "注意: \(path) は所有者 root、グループ mail、set-gid にしてください: chown root:mail \(path); chmod 2775 \(path)")
    }

    /// Names in a directory; nil when there is none.
    static func entries(of path: String) -> [String]? {
        guard let stream = opendir(path) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." && name != "lost+found" { names.append(name) }
        }
        return names.sorted()
    }

    /// Name of the network file system that holds `path`, or its nearest existing ancestor; nil for a local one.
    static func networkFileSystem(of path: String, _ fileSystem: (String) -> UInt64) -> String? {
        var place = path
        while access(place, F_OK) != 0, place.count > 1 {
            place = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
            if place.isEmpty { place = "/" }
        }
        return Self.networkNames[fileSystem(place)]
    }

    /// statfs(2) numbers.
    static let networkNames: [UInt64: String] = [
        0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB2", 0x5346_414F: "AFS", 0x7375_7245: "Coda", 0x564C: "NCP",
        0x00C3_6400: "Ceph", 0x0BD0_0BD0: "Lustre",
    ]
}

/// The file that says whose a directory is.
package enum InstanceMarker {
    static let name = "instance-id"
    /// With the draft of the file, which an interrupted setup leaves behind.
    static let names: Set<String> = [Self.name, Self.name + ".new"]

    package static func read(_ directory: String) -> String? {
        guard let bytes = try? FileAccess.contents(of: "\(directory)/\(Self.name)", limit: 100) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        return text.isEmpty ? nil : text
    }

    package static func write(_ id: String, in directory: String) throws(SystemFailure) {
        try FileAccess.replace("\(directory)/\(Self.name)", with: Array("\(id)\n".utf8), mode: 0o600)
    }

    /// Letters and digits without those that are easily taken for another.
    package static func random(_ count: Int) -> String {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        var generator = SystemRandomNumberGenerator()
        return String((0..<count).compactMap { _ in alphabet.randomElement(using: &generator) })
    }
}
