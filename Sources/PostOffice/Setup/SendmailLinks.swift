import Glibc
package import Vocabulary

/// The names under which programs of UNIX look for a mail server, as links to ours. What was there before stays beside it as `NAME.bak` and comes
/// back when the links are taken away.
package struct SendmailLinks {
    private static let names = ["/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/mailq", "/usr/bin/newaliases"]
    private static let savedSuffix = ".bak"

    /// Before every path; empty but in tests.
    private let root: String
    /// Our executable.
    private let program: String

    package init(root: String = "", program: String) {
        self.root = root
        self.program = program
    }

    private var places: [String] { Self.names.map { self.root + $0 } }

    /// The links are there.
    package var areInstalled: Bool { self.places.first.map { self.isOurs($0) } ?? false }

    /// Makes them. `tell` gets one line for each change.
    package func install(_ tell: (Localized) -> Void) throws(AdminFailure) {
        for place in self.places {
            let target = Self.target(of: place)
            // Debian has /usr/lib/sendmail as a link to /usr/sbin/sendmail: it leads to us already.
            if target == self.program || (target != nil && self.leadsToOurs(place)) { continue }
            if !self.isOurs(place), access(place, F_OK) == 0 || target != nil {
                let saved = place + Self.savedSuffix
                var facts = stat()
                guard lstat(saved, &facts) != 0 else {
                    throw AdminFailure(
                        Localized(
                            en: "\(saved) is there already, so \(place) cannot be saved under that name; move one of them away",
                            ja: "\(saved) がすでにあるため、\(place) を保存できません。どちらかを移動してください"))
                }
                guard rename(place, saved) == 0 else { throw Self.failed("rename \(place)") }
                tell(Localized(en: "saved \(place) as \(saved)", ja: "\(place) を \(saved) に保存しました"))
            }
            try self.link(place)
            tell(Localized(en: "\(place) is a link to \(self.program) now", ja: "\(place) を \(self.program) へのリンクにしました"))
        }
    }

    /// Takes ours away and puts back what was there.
    package func remove(_ tell: (Localized) -> Void) throws(AdminFailure) {
        for place in self.places where self.isOurs(place) {
            let saved = place + Self.savedSuffix
            var facts = stat()
            if lstat(saved, &facts) == 0 {
                guard rename(saved, place) == 0 else { throw Self.failed("rename \(saved)") }
                tell(Localized(en: "put \(saved) back as \(place)", ja: "\(saved) を \(place) に戻しました"))
            } else {
                guard unlink(place) == 0 else { throw Self.failed("unlink \(place)") }
                tell(Localized(en: "removed the link \(place)", ja: "リンク \(place) を削除しました"))
            }
        }
    }

    /// In one step, so that no program finds nothing there.
    private func link(_ place: String) throws(AdminFailure) {
        let draft = place + ".new"
        unlink(draft)
        guard symlink(self.program, draft) == 0, rename(draft, place) == 0 else {
            let failure = Self.failed("link \(place)")
            unlink(draft)
            throw failure
        }
    }

    /// A link to some `postoffice`, wherever it lay when the link was made.
    private func isOurs(_ place: String) -> Bool {
        guard let target = Self.target(of: place) else { return false }
        return target == self.program || target.hasSuffix("/postoffice")
    }

    /// Over another of the names.
    private func leadsToOurs(_ place: String) -> Bool {
        guard let path = realpath(place, nil), let own = realpath(self.program, nil) else { return false }
        defer {
            free(path)
            free(own)
        }
        return strcmp(path, own) == 0
    }

    private static func target(of path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }

    private static func failed(_ operation: String) -> AdminFailure {
        let failure = SystemFailure(operation)
        return AdminFailure(Localized(en: "\(failure)", ja: "\(failure)"))
    }
}
