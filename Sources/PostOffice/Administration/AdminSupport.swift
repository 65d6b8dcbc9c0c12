import ArgumentParser
import Directory
import Forms
import Glibc
import Vocabulary

// What the commands and handlers of accounts and configuration share.

extension Administration {
    static let directoryHandlers: [AdminHandler] =
        AccountHandlers.all + AppPasswordHandlers.all + PasskeyHandlers.all + LoginHandlers.all + DefaultAccountHandlers.all
        + SeatHandlers.all
        + [Administration.handler("account import-unix", UnixImport.perform)]
        + ConfigurationHandlers.all + InformationHandlers.all
    static let directoryCommands: [any ParsableCommand.Type] = [
        AccountCommand.self, ConfigCommand.self, RouteCommand.self,
    ]

    /// Runs a handler's body, telling what the directory refuses as the handler's failure.
    static func handler(
        _ verb: String, _ body: @escaping @Sendable (AdminRequest, AdminContext, AdminOutput) throws -> AdminStatus
    ) -> AdminHandler {
        AdminHandler(verb) { request, context, output throws(AdminFailure) in
            do {
                return try body(request, context, output)
            } catch let error as DirectoryError {
                for problem in error.problems.dropFirst() { output.problem(problem.message) }
                throw AdminFailure(error.message)
            } catch {
                if let failure = error as? AdminFailure { throw failure }
                throw AdminFailure(ErrorWords.text(of: error))
            }
        }
    }
}

extension AdminRequest {
    /// Who asks: as was proved, else as the command or the web page said; the control socket lets only root and the service user in.
    var actor: Actor { self.origin ?? Actor(name: self.option("by") ?? "unknown", interface: "command") }

    /// One operand, or the way the command is used.
    func only(_ english: String, _ japanese: String) throws(AdminFailure) -> String {
        guard self.operands.count == 1, let operand = self.operands.first else {
            throw AdminFailure(Localized(en: english, ja: japanese), .misuse)
        }
        return operand
    }

    /// `name=value` pairs; the same name again adds an entry, an empty value clears.
    static func fields(_ pairs: [String]) throws(AdminFailure) -> [(name: String, texts: [String])] {
        var out: [(name: String, texts: [String])] = []
        for pair in pairs {
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                throw AdminFailure(
                    Localized(en: "\(Shown.text(pair)) is no field: write name=value", ja: "\(Shown.text(pair)) は 名前=値 の形で指定してください"),
                    .misuse)
            }
            let name = String(pair[..<equals])
            let value = String(pair[pair.index(after: equals)...])
            if let index = out.firstIndex(where: { $0.name == name }) {
                out[index].texts.append(value)
            } else {
                out.append((name, [value]))
            }
        }
        return out
    }
}

extension CommonOptions {
    /// Sends a request in the name of whoever runs the command.
    func perform(
        _ verb: String, operands: [String] = [], options: [String: [String]] = [:], input: String? = nil, json: Bool = false
    ) throws -> AdminStatus {
        var options = options
        options["by"] = [Self.userName]
        let request = AdminRequest(verb, operands: operands, options: options, input: input, language: self.language, wantsJSON: json)
        return try self.perform(request)
    }

    /// The user who typed the command, also behind sudo.
    static var userName: String {
        if geteuid() == 0, let name = Environment["SUDO_USER"], !name.isEmpty { return name }
        guard let entry = getpwuid(geteuid()), let name = entry.pointee.pw_name else { return "uid \(geteuid())" }
        return String(cString: name)
    }

    func contents(of path: String, limit: Int) throws -> [UInt8] {
        do {
            return path == "-" ? try FileAccess.contents(of: 0, limit: limit) : try FileAccess.contents(of: path, limit: limit)
        } catch {
            throw self.exit(error)
        }
    }
}

/// Where a password comes from: never the command line, which every user of the machine can read.
struct PasswordOptions: ParsableArguments {
    @Option(name: .long, help: .said("File that holds the password in its first line.", "1 行目にパスワードを書いたファイル。", valueName: "file"))
    var passwordFile: String?

    @Flag(name: .long, help: .said("Read the password from standard input.", "パスワードを標準入力から読みます。"))
    var passwordStdin = false

    func validate() throws {
        if self.passwordStdin && self.passwordFile != nil {
            throw ValidationError(
                en: "--password-file and --password-stdin exclude each other", ja: "--password-file と --password-stdin は同時に指定できません")
        }
    }

    var isGiven: Bool { self.passwordStdin || self.passwordFile != nil }

    /// The first line, without its end; nil when neither option was given.
    func read(_ common: CommonOptions) throws -> String? {
        guard self.isGiven else { return nil }
        let bytes = try common.contents(of: self.passwordFile ?? "-", limit: 4096)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw common.exit(.failed, Localized(en: "the password is not UTF-8 text", ja: "パスワードが UTF-8 ではありません"))
        }
        return String(text.prefix { !$0.isNewline })
    }
}
