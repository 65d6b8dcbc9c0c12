import Bytes
import Forms
import Glibc
import Vocabulary

/// Verbs about messages of this host's programs that were refused: `drop list`, `show`, `release`, `delete`.
enum DropHandlers {
    static let all: [AdminHandler] = [
        AdminHandler("drop list", Self.list), AdminHandler("drop show", Self.show), AdminHandler("drop release", Self.release),
        AdminHandler("drop delete", Self.delete),
    ]

    /// Octets of a message of which the header is shown.
    private static let longestHeader = 64 << 10

    private static func refused(_ context: AdminContext) -> RefusedDrops { RefusedDrops(context.start.refusedDropDirectory) }

    private static func list(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws(AdminFailure) -> AdminStatus {
        let items = Self.refused(context).items()
        for item in items {
            let date = CivilTime(unixSeconds: item.since).rfc3339
            if request.wantsJSON {
                output.line(
                    JSONValue.object([
                        ("name", .text(item.name)), ("refused", .text(date)), ("user", .number(item.user)), ("size", .number(item.size)),
                        ("reason", .text(item.reason)),
                    ]).description)
            } else {
                output.line("\(item.name)  \(date)  uid \(item.user)  \(item.size)  \(item.reason)")
            }
        }
        if !request.wantsJSON {
            output.line(
                Localized(en: "\(items.count) refused messages of local programs", ja: "拒否したローカルプログラムのメッセージ \(items.count) 件"))
        }
        return .done
    }

    private static func show(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws(AdminFailure) -> AdminStatus {
        let refused = Self.refused(context)
        let name = try request.only("say which: a name of `drop list`", "drop list の名前を一つ指定してください")
        guard let item = refused.item(name) else { throw Self.unknown(name) }
        output.line(
            "name: \(item.name)\nrefused: \(CivilTime(unixSeconds: item.since).rfc3339)\nuser: \(item.user)\nreason: \(item.reason)")
        guard let (file, message) = refused.beginning(of: name, limit: Self.longestHeader), let file else {
            output.line(Localized(en: "this is no message that `sendmail` wrote", ja: "sendmail が書いたメッセージではありません"))
            return .done
        }
        output.line("from: \(file.sender.map { OneLine.of($0) } ?? "<>")")
        for recipient in file.recipients { output.line("to: \(OneLine.of(recipient))") }
        output.line("size: \(file.size)\n")
        for line in String(decoding: message, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false) {
            if line.isEmpty { break }
            output.line(OneLine.of(String(line)))
        }
        return .done
    }

    private static func release(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let (refused, drop) = (Self.refused(context), DropBox(context.start.dropDirectory))
        let names = try Self.names(request, refused)
        for name in names { try Self.trying(name) { () throws(SystemFailure) in try refused.release(name, to: drop) } }
        output.line(Localized(en: "\(names.count) given back to be tried once more", ja: "\(names.count) 件を再試行に回しました"))
        return .done
    }

    private static func delete(
        _ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput
    ) throws(AdminFailure) -> AdminStatus {
        let refused = Self.refused(context)
        let names = try Self.names(request, refused)
        for name in names { try Self.trying(name) { () throws(SystemFailure) in try refused.delete(name) } }
        output.line(Localized(en: "\(names.count) deleted", ja: "\(names.count) 件を削除しました"))
        return .done
    }

    // MARK: Help

    private static func names(_ request: AdminRequest, _ refused: RefusedDrops) throws(AdminFailure) -> [String] {
        if request.has("all") { return refused.items().map(\.name) }
        guard !request.operands.isEmpty else {
            throw AdminFailure(
                Localized(en: "say which: names of `drop list`, or --all", ja: "drop list の名前、または --all を指定してください"), .misuse)
        }
        return request.operands
    }

    private static func trying(_ name: String, _ body: () throws(SystemFailure) -> Void) throws(AdminFailure) {
        do {
            try body()
        } catch {
            if error.code == ENOENT { throw Self.unknown(name) }
            throw AdminFailure(error.text)
        }
    }

    private static func unknown(_ name: String) -> AdminFailure {
        AdminFailure(Localized(en: "there is no refused message `\(OneLine.of(name))`", ja: "拒否したメッセージ「\(OneLine.of(name))」はありません"))
    }
}
