import ArgumentParser
import Directory
import Forms
import Vocabulary

struct SeatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seats",
        abstract: .said("How many accounts there may be, and until when.", "登録ユーザ数の上限と使用期限"),
        discussion: .said(
            """
            For the whole server and for single domains. At the limit no general account is added; after the last day accounts are
            neither added nor changed, but for passwords, states and deletion. Mail flows on whatever is set here.
            Examples:
              postoffice seats show
              postoffice seats set trial
              postoffice seats set 50 --until 2027-03-31
              postoffice seats set 20 --domain example.com
              postoffice seats set none
            """,
            """
            サーバ全体とドメインごとに指定できます。上限に達すると一般アカウントを追加できません。使用期限を過ぎると、
            パスワードと状態の変更および削除を除き、アカウントの追加と変更ができません。メールの配信は続きます。
            Examples:
              postoffice seats show
              postoffice seats set trial
              postoffice seats set 50 --until 2027-03-31
              postoffice seats set 20 --domain example.com
              postoffice seats set none
            """),
        subcommands: [Show.self, Set.self])

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: .said("Seats taken and allowed.", "登録ユーザ数と上限を表示します。"),
            discussion: "Example:\n  postoffice seats show --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws { throw ExitCode(try self.common.perform("seats show", json: self.listing.json).rawValue) }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: .said("Set the limit and its last day.", "上限と使用期限を設定します。"),
            discussion: "Examples:\n  postoffice seats set trial\n  postoffice seats set 50 --until 2027-03-31 --domain example.com")

        @OptionGroup var common: CommonOptions

        @Argument(
            help: .said(
                "A number of accounts, trial (10 accounts, 30 days) or none.", "登録ユーザ数、trial（10 ユーザ、30 日間）、または none（無制限）。",
                valueName: "accounts"))
        var seats: String

        @Option(name: .long, help: .said("Last day.", "使用期限の日付。", valueName: "YYYY-MM-DD"))
        var until: String?

        @Option(name: .long, help: .said("For this domain alone.", "このドメインだけに適用します。"))
        var domain: String?

        func run() throws {
            var options: [String: [String]] = [:]
            if let until { options["until"] = [until] }
            if let domain { options["domain"] = [domain] }
            throw ExitCode(try self.common.perform("seats set", operands: [self.seats], options: options).rawValue)
        }
    }
}

/// Verbs about seats.
enum SeatHandlers {
    static let all: [AdminHandler] = [
        Administration.handler("seats show", Self.show), Administration.handler("seats set", Self.set),
    ]

    private static let trial = (seats: "10", days: Int32(30))

    private static func show(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let all = [(domain: "", use: context.directory.seatUse)] + context.directory.domainSeatUse
        if request.wantsJSON {
            output.line(JSONValue.list(all.map(self.json)).description)
            return .done
        }
        for (domain, use) in all {
            let name = domain.isEmpty ? Localized(en: "server", ja: "サーバ全体").text(request.language) : domain
            output.line("\(name): \(self.words(use).text(request.language))")
        }
        return .done
    }

    private static func words(_ use: SeatUse) -> Localized {
        let limit = use.limit.map { "\($0)" }
        let end = use.lastDay
        return Localized(
            en: "\(use.taken) accounts of \(limit ?? "any number")"
                + (end.map { use.hasEnded ? ", ended on \($0): accounts are not added or changed" : ", until \($0)" } ?? ""),
            ja: "登録ユーザ数 \(use.taken)、上限 \(limit ?? "なし")" + (end.map { use.hasEnded ? "、使用期限切れ (\($0))" : "、使用期限 \($0)" } ?? ""))
    }

    private static func json(_ entry: (domain: String, use: SeatUse)) -> JSONValue {
        .object([
            ("domain", entry.domain.isEmpty ? .null : .text(entry.domain)), ("taken", .number(entry.use.taken)),
            ("limit", entry.use.limit.map { .number($0) } ?? .null), ("last-day", .optional(entry.use.lastDay)),
            ("ended", .bool(entry.use.hasEnded)),
        ])
    }

    private static func set(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let word = try request.only("say how many accounts: a number, trial or none", "登録ユーザ数、trial、none のいずれかを指定してください")
        let isNone = word.lowercased() == "none"
        let isTrial = word.lowercased() == "trial"
        let seats = isTrial ? self.trial.seats : word
        let end = request.option("until") ?? (isTrial ? context.directory.day(after: self.trial.days) : nil)
        if let domain = request.option("domain") {
            try self.setDomain(domain, isNone ? nil : seats, end, request, context)
        } else {
            var values: [FieldKey: FieldValue] = [SecurityField.seats.key: .none, SecurityField.seatsUntil.key: .none]
            if !isNone {
                values[SecurityField.seats.key] = try SecurityField.seats.parse(seats)
                if let end { values[SecurityField.seatsUntil.key] = try SecurityField.seatsUntil.parse(end) }
            }
            try context.directory.configure(values, by: request.actor, note: "seats")
        }
        return try self.show(AdminRequest("seats show", language: request.language), context, output)
    }

    private static func setDomain(
        _ domain: String, _ seats: String?, _ end: String?, _ request: AdminRequest, _ context: AdminContext
    ) throws {
        let field = SecurityField.domainSeats
        let row = try field.parse("[\(domain):\(seats ?? "1")\(end.map { ":\($0)" } ?? "")]").rows
        guard let name = row.first?.first else { return }
        var rows = context.directory.configuration.value(field).rows.filter { $0.first != name }
        if seats != nil { rows += row }
        try context.directory.configure([field.key: rows.isEmpty ? .none : .rows(rows)], by: request.actor, note: "seats")
    }
}
