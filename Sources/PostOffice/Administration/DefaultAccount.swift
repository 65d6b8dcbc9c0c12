import ArgumentParser
import Directory
import Forms
import Vocabulary

extension AccountCommand {
    struct Default: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "default",
            abstract: .said("The default account: what new accounts get where nothing else is said.", "デフォルトアカウント: 新規アカウントの既定値"),
            discussion:
                "Examples:\n  postoffice account default show\n  postoffice account default set quota='2 GiB' services=imap services=submission",
            subcommands: [ShowDefault.self, SetDefault.self])
    }

    struct ShowDefault: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: .said("What the default account says.", "デフォルトアカウントの内容を表示します。"),
            discussion: "Example:\n  postoffice account default show --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws { throw ExitCode(try self.common.perform("account default show", json: self.listing.json).rawValue) }
    }

    struct SetDefault: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: .said("Change the default account.", "デフォルトアカウントを変更します。"),
            discussion: .said(
                "An empty value clears a field. Accounts that are there stay as they are.\nExample:\n  postoffice account default set quota='2 GiB'",
                "空の値で消去します。既存のアカウントは変わりません。\nExample:\n  postoffice account default set quota='2 GiB'"))

        @OptionGroup var common: CommonOptions

        @Argument(help: .said("What to change.", "変更するフィールドと値。", valueName: "field=value"))
        var fields: [String]

        func run() throws {
            throw ExitCode(try self.common.perform("account default set", options: ["set": self.fields]).rawValue)
        }
    }
}

/// Verbs about the default account.
enum DefaultAccountHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("account default show", Self.show), Administration.handler("account default set", Self.set),
    ]

    private static func show(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let values = try context.directory.defaultAccount()
        let fields = FieldTable.account.filter { values[$0.key] != nil }
        if request.wantsJSON {
            output.line(JSONValue.object(fields.map { ($0.key.text, FieldReference.json($0, values[$0.key] ?? .none)) }).description)
            return .done
        }
        if fields.isEmpty { output.line(Localized(en: "it says nothing: the fields' own defaults hold", ja: "設定はありません（各フィールドの既定値が使われます）")) }
        for field in fields {
            output.line(
                "\(field.label.text(request.language)) (\(field.key)): \(field.shown(values[field.key] ?? .none, request.language))")
        }
        return .done
    }

    private static func set(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let input = try AccountInput(parsing: try AdminRequest.fields(request.options["set"] ?? []))
        try context.directory.changeDefaultAccount(input, by: request.actor)
        return try self.show(AdminRequest("account default show", language: request.language), context, output)
    }
}
