import ArgumentParser
import Glibc
import MessageStore
import Vocabulary

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: .said("Look at every byte and number of the message store; the server may run.", "メッセージストア全体を検査します。サーバの動作中も実行できます。"),
        discussion: .said(
            """
            Exit status 0: all is right. 1: something is wrong; each finding is one line.

            Examples:
              postoffice check
              postoffice check --json
            """,
            """
            終了ステータス 0: 異常なし。1: 異常あり（1 件 1 行）。

            Examples:
              postoffice check
              postoffice check --json
            """))

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    func run() throws {
        let request = AdminRequest("check", language: self.common.language, wantsJSON: self.listing.json)
        throw ExitCode(try self.common.perform(request).rawValue)
    }
}

struct RepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: .said(
            "Mend the message store while the server is down. Nothing is thrown away unless you say so.",
            "サーバ停止中にメッセージストアを修復します。指定がない限り何も捨てません。"),
        discussion: .said(
            """
            Databases that cannot be read are put aside and made anew from the segments.

            Examples:
              postoffice shutdown && postoffice repair
              postoffice repair --drop-lost     also removes messages whose bodies cannot be read
            """,
            """
            読めないデータベースは別に保存し、セグメントから作り直します。

            Examples:
              postoffice shutdown && postoffice repair
              postoffice repair --drop-lost     本文を読めないメッセージも取り除く
            """))

    @OptionGroup var common: CommonOptions

    @Flag(name: .long, help: .said("Remove messages whose bodies cannot be read.", "本文を読めないメッセージを取り除きます。"))
    var dropLost = false

    func run() throws {
        let start = try self.common.start()
        guard PIDFile.holder(start.dispatcherPIDFile) == nil, case .taken(let lock) = ServerLock.take(start.serverLock) else {
            throw self.common.exit(
                .failed,
                Localized(
                    en: "the server is running; `postoffice shutdown` first",
                    ja: "サーバが動作中です。先に postoffice shutdown を実行してください"))
        }
        defer { lock.release() }
        do {
            // What is written must belong to the service.
            try Privileges.drop(to: start)
        } catch {
            throw self.common.exit(error.status, error.text)
        }
        umask(0o077)
        let location = StoreLocation(spool: start.directories.spool, mailbox: start.directories.mailbox)
        let report: RepairReport
        do {
            report = try MessageStore.repair(location, StoreOptions(), dropLost: self.dropLost) { Self.show($0) }
        } catch {
            throw self.common.exit(.failed, ErrorWords.text("the store cannot be mended", "ストアを修復できません", error))
        }
        let printer = AdminPrinter()
        printer.show(.progress(""))
        for action in report.actions { printer.show(.output(RepairWords.text(action, self.common.language) + "\n")) }
        for id in try self.finishRemovals(start) {
            printer.show(
                .output(
                    Localized(en: "removed the mail of deleted account \(id)\n", ja: "削除済みアカウント \(id) のメールを削除しました\n").text(
                        self.common.language)))
        }
        for problem in report.left {
            let text = CheckWords.text(problem, self.common.language)
            printer.show(.output(Localized(en: "left: \(text)\n", ja: "未修復: \(text)\n").text(self.common.language)))
        }
        printer.show(.output(Localized(en: "\(report.messages) messages\n", ja: "メッセージ \(report.messages) 件\n").text(self.common.language)))
        if !report.left.isEmpty { throw ExitCode(AdminStatus.failed.rawValue) }
    }

    /// What a crash left of deleting an account. A directory that cannot be read does not stop the repair of the store.
    private func finishRemovals(_ start: StartConfiguration) throws -> [AccountID] {
        guard let directory = try? Opening.directory(start) else { return [] }
        defer { directory.close() }
        guard try !directory.unfinishedRemovals().isEmpty else { return [] }
        let store = try Opening.store(start, directory.configuration, NullSink())
        defer { store.close() }
        return try AccountRemoval.finishAll(directory, store)
    }

    static func show(_ progress: Progress) {
        AdminPrinter().show(.progress("\(progress.step) \(progress.total > 0 ? progress.done * 100 / progress.total : 0) %"))
    }
}
