import ArgumentParser
import Directory
import Glibc
import SASL
import Vocabulary

struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Accounts.",
        discussion: "Example:\n  postoffice account add taro@example.test --name 'Taro Yamada' --password-file pw",
        subcommands: [Add.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Add an account.",
            discussion: "Example:\n  echo secret-1 | postoffice account add taro@example.test --name 'Taro Yamada' --password-stdin")

        @OptionGroup var common: CommonOptions

        @Argument(help: "Its address; the first is the primary one.")
        var address: [String]

        @Option(name: .long, help: "Real name.")
        var name: String?

        @Option(name: .long, help: ArgumentHelp("File that holds the password in its first line.", valueName: "file"))
        var passwordFile: String?

        @Flag(name: .long, help: "Read the password from standard input.")
        var passwordStdin = false

        func run() throws {
            var options: [String: [String]] = [:]
            if let name { options["name"] = [name] }
            var request = AdminRequest("account add", operands: self.address, options: options, language: self.common.language)
            request.input = try self.password()
            throw ExitCode(Administration.perform(request, try self.common.start()).rawValue)
        }

        private func password() throws -> String? {
            do {
                let bytes: [UInt8]
                if let passwordFile {
                    bytes = try FileAccess.contents(of: passwordFile, limit: 4096)
                } else if self.passwordStdin {
                    bytes = try FileAccess.contents(of: 0, limit: 4096)
                } else {
                    return nil
                }
                return String(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline })
            } catch {
                throw self.common.exit(.failed, error.description)
            }
        }
    }
}

extension Administration {
    static let accountAdd = AdminHandler("account add") { request, context, output throws(AdminFailure) in
        do {
            var texts: [(name: String, texts: [String])] = [("addresses", request.operands)]
            if let name = request.option("name") { texts.append(("real-name", [name])) }
            var input = try AccountInput(parsing: texts)
            if let password = request.input { input.verifier = try context.directory.verifier(for: Secret(password)) }
            _ = try context.directory.addAccount(input, by: Actor(name: "root", interface: "command"))
        } catch let error as DirectoryError {
            throw AdminFailure(error.message)
        } catch {
            throw AdminFailure(Localized(en: "\(error)", ja: "\(error)"))
        }
        output.line(
            Localized(en: "added \(request.operands.joined(separator: ", "))", ja: "\(request.operands.joined(separator: "、")) を追加しました"))
        return .done
    }
}
