import Glibc
import Text
import Vocabulary

/// A login user of the operating system as an import sees him.
struct UnixUser: Codable, Sendable, Equatable {
    var name: String
    var realName: String
    /// Of `.plan` and `.project`; empty when there is neither.
    var information: String
    /// Targets of `.forward`, a line each; nil when it was not asked for or is not there.
    var forward: [String]?
    /// File with mail that waits for him; nil when there is none.
    var maildrop: String?
}

/// Reads login users and what they keep in their homes. Runs in the command, with the rights of whoever called it; the server opens no path.
struct UnixUsers {
    /// A file in the form of /etc/passwd; nil asks the system, with all its sources of users.
    var file: String?
    var readsForward = false
    /// Where the system keeps maildrops.
    var maildrops = "/var/mail"
    /// Users below are the system's own.
    var lowest: UInt32 = 1000
    var highest: UInt32 = 60_000

    private static let largestInformation = 16 << 10
    private static let most = 1_000_000

    private struct Entry {
        var name: String
        var uid: UInt32
        var gecos: String
        var home: String
        var shell: String
    }

    /// In order of the source; each name once.
    func read() throws(SystemFailure) -> [UnixUser] {
        var seen: Set<String> = []
        return try self.entries().filter { self.isPerson($0) && seen.insert($0.name).inserted }.map { entry in
            let home = UnixHome(path: entry.home, owner: entry.uid)
            let project = home?.text(".project", limit: Self.largestInformation).map { String($0.prefix { !$0.isNewline }) } ?? ""
            let plan = home?.text(".plan", limit: Self.largestInformation) ?? ""
            let parts = [project.isEmpty ? "" : "Project: \(project)", plan.isEmpty ? "" : "Plan:\n\(plan)"].filter { !$0.isEmpty }
            let forward = self.readsForward ? home?.text(".forward", limit: Self.largestInformation) : nil
            // The field holds 4,000 characters.
            return UnixUser(
                name: entry.name, realName: Self.realName(entry.gecos, entry.name),
                information: String(parts.joined(separator: "\n").prefix(4000)),
                forward: forward.map { $0.split(whereSeparator: \.isNewline).map(String.init) }, maildrop: self.maildrop(entry))
        }
    }

    /// A regular file of the user's with something in it; it is only named, not opened.
    private func maildrop(_ entry: Entry) -> String? {
        var facts = stat()
        let path = "\(self.maildrops)/\(entry.name)"
        guard !entry.name.contains("/"), lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == entry.uid,
            facts.st_size > 0
        else { return nil }
        return path
    }

    /// The first part of the GECOS field; `&` in it stands for the login name.
    private static func realName(_ gecos: String, _ name: String) -> String {
        let first = gecos.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
        let capital = name.prefix(1).uppercased() + name.dropFirst()
        return String(first.replacing("&", with: capital).prefix(200))
    }

    /// No system user, and one who may log in.
    private func isPerson(_ entry: Entry) -> Bool {
        let shell = entry.shell.split(separator: "/").last.map(String.init) ?? ""
        return (self.lowest...self.highest).contains(entry.uid) && entry.name != "nobody" && !["nologin", "false", "sync"].contains(shell)
            && !entry.name.isEmpty && entry.name.utf8.count <= 64
    }

    private func entries() throws(SystemFailure) -> [Entry] {
        guard let file else { return Self.systemEntries() }
        let lines = try FileAccess.contents(of: file, limit: 64 << 20).split { $0 == 0x0A || $0 == 0x0D }
        return lines.compactMap { line in
            let parts = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { Self.text($0) }
            guard parts.count == 7, let uid = UInt32(parts[2]), line.first != UInt8(ascii: "#") else { return nil }
            return Entry(name: parts[0], uid: uid, gecos: parts[4], home: parts[5], shell: parts[6])
        }
    }

    /// Old systems kept names in EUC-JP. What is neither that nor UTF-8 is no name.
    private static func text(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        return String(validating: bytes, as: UTF8.self) ?? Charset(named: "EUC-JP")?.decodeStrictly(bytes) ?? ""
    }

    private static func systemEntries() -> [Entry] {
        func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
            pointer.map { Self.text(UnsafeRawBufferPointer(start: $0, count: strlen($0))) } ?? ""
        }
        var out: [Entry] = []
        setpwent()
        defer { endpwent() }
        while out.count < Self.most, let entry = getpwent() {
            let user = entry.pointee
            out.append(
                Entry(
                    name: text(user.pw_name), uid: user.pw_uid, gecos: text(user.pw_gecos), home: text(user.pw_dir),
                    shell: text(user.pw_shell)))
        }
        return out
    }
}

/// A home directory whose files are the user's to choose: nothing is read that is not a regular file of his own, at its own name there.
/// Otherwise a link from `.plan` to another's file would publish it.
final class UnixHome {
    private let directory: Int32
    private let owner: UInt32

    /// nil when it is not there, or belongs to somebody else.
    init?(path: String, owner: UInt32) {
        let fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        var facts = stat()
        guard fstat(fd, &facts) == 0, facts.st_uid == owner else {
            close(fd)
            return nil
        }
        self.directory = fd
        self.owner = owner
    }

    deinit { close(self.directory) }

    /// Text of a file in it; nil for what is none, is a link, a pipe, or somebody else's. What is no UTF-8 is told as far as it is.
    func text(_ name: String, limit: Int) -> String? {
        // A pipe must not hold us.
        let fd = openat(self.directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var facts = stat()
        guard fstat(fd, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == self.owner else { return nil }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = read(fd, &bytes, limit)
        guard count > 0 else { return nil }
        let scalars = String(decoding: bytes[..<count], as: UTF8.self).unicodeScalars.filter {
            $0 == "\n" || $0 == "\t" || ($0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) && $0 != "\u{FFFD}")
        }
        var text = String(String.UnicodeScalarView(scalars))
        while text.last?.isWhitespace == true { text.removeLast() }
        return text.isEmpty ? nil : text
    }
}
