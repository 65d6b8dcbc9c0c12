import Vocabulary

extension StartConfiguration {
    /// What `postoffice-deliver` may do; each is off where it is not named.
    package struct SystemServices: Sendable, Equatable {
        /// Directory of maildrops, usually /var/mail.
        package var maildrops: String?
        /// Directory, root's alone, of the programs that mail may be handed to.
        package var programs: String?
        /// Passwords of the operating system may be asked for.
        package var passwords: Bool

        package init(maildrops: String? = nil, programs: String? = nil, passwords: Bool = false) {
            self.maildrops = maildrops
            self.programs = programs
            self.passwords = passwords
        }

        /// What setup writes where it is wanted.
        package static let usual = SystemServices(maildrops: "/var/mail", programs: "/etc/post.office.programs", passwords: true)
    }

    static func systemServices(_ fields: StartFields) throws(StartProblem) -> SystemServices? {
        guard let node = fields.node("system-delivery") else { return nil }
        if let word = node.scalar?.string, ["no", "false", "off", "", "~", "null"].contains(word) { return nil }
        let part = try StartFields(node, file: fields.file, path: "system-delivery", known: ["maildrops", "programs", "passwords"])
        func directory(_ key: String) throws(StartProblem) -> String? {
            guard let text = try part.text(key) else { return nil }
            if ["no", "off", "-"].contains(text) { return nil }
            guard text.hasPrefix("/"), !text.utf8.contains(0), text.utf8.count < 4000 else {
                throw part.problem(
                    key, Localized(en: "this is no absolute path", ja: "絶対パスではありません"),
                    Localized(en: "write a path that begins with /, or `no`", ja: "/ で始まるパスか no を書いてください"))
            }
            return text
        }
        return SystemServices(
            maildrops: try directory("maildrops"), programs: try directory("programs"),
            passwords: try part.truth("passwords", default: false))
    }
}
