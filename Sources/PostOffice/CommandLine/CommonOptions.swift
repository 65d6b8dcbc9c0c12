import ArgumentParser
import Forms
import Glibc
import Vocabulary

/// Options of every command.
struct CommonOptions: ParsableArguments {
    @Option(
        name: .long,
        help: .said(
            "Start file; default is $POSTOFFICE_CONFIG, else \(StartConfiguration.defaultFile).",
            "起動ファイル。省略時は $POSTOFFICE_CONFIG、なければ \(StartConfiguration.defaultFile)。", valueName: "file"))
    var config: String?

    @Option(
        name: .long,
        help: .said(
            "Language of messages: en or ja; default is that of the locale.", "メッセージの言語: en または ja。省略時はロケールの言語。", valueName: "language"))
    var lang: String?

    @Option(
        name: .long,
        help: .said(
            "Another host's server, over its web port; the key comes from $POSTOFFICE_TOKEN or --token-file.",
            "別のホストのサーバ（Web ポート経由）。キーは $POSTOFFICE_TOKEN か --token-file で指定。", valueName: "https://host"))
    var server: String?

    @Option(name: .long, help: .said("File with the key for --server.", "--server で使うキーのファイル。", valueName: "file"))
    var tokenFile: String?

    @Option(
        name: .long,
        help: .said(
            "PEM file of the authority that vouches for --server, or its own certificate.", "--server の証明書を検証する認証局（または自己署名証明書）の PEM ファイル。",
            valueName: "file"))
    var ca: String?

    var configurationFile: String { self.config ?? Environment[StartConfiguration.fileVariable] ?? StartConfiguration.defaultFile }

    var language: Language { self.lang.flatMap(Language.init(rawValue:)) ?? Self.languageOfLocale }

    /// For words about arguments that could not be read.
    static func language(of arguments: [String]) -> Language {
        for (index, argument) in arguments.enumerated() {
            if argument == "--lang", index + 1 < arguments.count {
                return Language(rawValue: arguments[index + 1]) ?? self.languageOfLocale
            }
            if argument.hasPrefix("--lang=") { return Language(rawValue: String(argument.dropFirst(7))) ?? self.languageOfLocale }
        }
        return self.languageOfLocale
    }

    func validate() throws {
        if let lang, Language(rawValue: lang) == nil {
            throw ValidationError(
                en: "--lang takes en or ja, not \(Shown.text(lang))", ja: "--lang には en か ja を指定してください（\(Shown.text(lang)) は使えません）")
        }
    }

    /// The start file, or one line on standard error and exit status 2.
    func start() throws -> StartConfiguration {
        guard self.server == nil else {
            throw self.exit(
                .misuse,
                Localized(
                    en: "this command works on the server's own host; leave --server out", ja: "このコマンドはサーバ自身のホストで実行してください（--server は使えません）")
            )
        }
        do {
            return try StartConfiguration.read(file: self.configurationFile)
        } catch {
            throw self.exit(.misuse, error.text(self.language))
        }
    }

    /// Prints one line on standard error; throw the result.
    func exit(_ status: AdminStatus, _ text: String) -> ExitCode {
        AdminPrinter().show(.problem("postoffice: \(text)\n"))
        return ExitCode(status.rawValue)
    }

    func exit(_ status: AdminStatus, _ text: Localized) -> ExitCode { self.exit(status, text.text(self.language)) }

    func exit(_ failure: SystemFailure) -> ExitCode { self.exit(.failed, failure.text) }

    /// [POSIX.1-2017 8.2] LC_ALL wins over LC_MESSAGES wins over LANG.
    static var languageOfLocale: Language {
        for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
            if let value = Environment[name], !value.isEmpty { return Language(localeName: value) ?? .english }
        }
        return .english
    }
}

/// Of commands that list something.
struct ListingOptions: ParsableArguments {
    @Flag(name: .long, help: .said("JSON for programs instead of text for people.", "プログラム向けに JSON で出力します。"))
    var json = false
}

enum Environment {
    static subscript(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
