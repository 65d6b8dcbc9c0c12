import ArgumentParser
import Forms
import Vocabulary

struct PermissionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "permissions",
        abstract: .said(
            "Restore owner and mode of spool, mailbox and start file, or report what is wrong with them.",
            "スプール、メールボックス、起動ファイルの所有者とモードを直す、または検査します。"),
        discussion: .said(
            """
            Directories 0700 and files 0600, of the service user; the start file root:group 0640.

            Examples:
              sudo postoffice permissions
              postoffice permissions --check
            """,
            """
            ディレクトリ 0700、ファイル 0600、所有者はサービスのユーザ。起動ファイルは root:グループ 0640。

            Examples:
              sudo postoffice permissions
              postoffice permissions --check
            """))

    @OptionGroup var common: CommonOptions
    @OptionGroup var listing: ListingOptions

    @Flag(name: .long, help: .said("Change nothing; exit status 1 when something is wrong.", "変更せずに検査します。異常があれば終了ステータスは 1。"))
    var check = false

    func run() throws {
        let start = try self.common.start()
        let findings: [PermissionWalk.Finding]
        var count = 0
        do {
            var walk = try PermissionWalk(start, repairs: !self.check)
            findings = try walk.run()
            count = walk.count
        } catch {
            throw self.common.exit(error.status, error.text)
        }
        self.show(findings, count)
        if findings.contains(where: { !$0.isRepaired }) { throw ExitCode(AdminStatus.failed.rawValue) }
    }

    private func show(_ findings: [PermissionWalk.Finding], _ count: Int) {
        if self.listing.json {
            let list = findings.map {
                JSONValue.object([("path", .text($0.path)), ("was", .text($0.what)), ("repaired", .bool($0.isRepaired))])
            }
            AdminPrinter().show(.output(JSONValue.list(list).description + "\n"))
            return
        }
        for finding in findings {
            let state = finding.isRepaired ? Localized(en: "restored", ja: "修正") : Localized(en: "wrong", ja: "異常")
            AdminPrinter().show(.output("\(state.text(self.common.language))  \(finding.path)  \(finding.what)\n"))
        }
        let text =
            findings.isEmpty
            ? Localized(en: "\(count) files and directories are as they should be", ja: "\(count) 個のファイルとディレクトリに異常はありません")
            : Localized(en: "\(findings.count) of \(count) were not as they should be", ja: "\(count) 個中 \(findings.count) 個に異常がありました")
        AdminPrinter().show(.output(text.text(self.common.language) + "\n"))
    }
}
