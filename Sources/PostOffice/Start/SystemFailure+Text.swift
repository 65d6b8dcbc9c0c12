import Glibc
package import Vocabulary

extension SystemFailure {
    /// For people. The log has `description`, in the words of the system.
    package var text: Localized {
        let (verb, object) = self.parts
        let words = self.cause
        if self.code == ENOENT, verb == "mkdir" || verb == "create" {
            return Localized(
                en: "\(object) cannot be made: the directory above it does not exist; make that first",
                ja: "\(object) を作成できません。その上のディレクトリを先に作成してください")
        }
        guard let deed = Self.deeds[verb] else {
            return Localized(en: "\(self.operation): \(words.english)", ja: "\(self.operation): \(words.japanese)")
        }
        let (english, japanese) = object.isEmpty ? ("input", "入力") : (object, object)
        return Localized(
            en: "\(english) cannot be \(deed.english): \(words.english)", ja: "\(japanese) を\(deed.japanese): \(words.japanese)")
    }

    /// The reason alone.
    package var cause: Localized {
        Self.reasons[self.code] ?? Localized(en: self.reason, ja: "エラー \(self.code) (\(self.reason))")
    }

    /// `mkdir /var/x` is `mkdir` and `/var/x`.
    private var parts: (verb: String, object: String) {
        guard let blank = self.operation.firstIndex(of: " ") else { return (self.operation, "") }
        let object = String(self.operation[self.operation.index(after: blank)...])
        return (String(self.operation[..<blank]), object)
    }

    /// What a call of the system is to a person who knows no C.
    private static let deeds: [String: Localized] = [
        "open": Localized(en: "opened", ja: "開けません"), "read": Localized(en: "read", ja: "読めません"),
        "write": Localized(en: "written", ja: "書き込めません"), "create": Localized(en: "made", ja: "作成できません"),
        "mkdir": Localized(en: "made", ja: "作成できません"), "chmod": Localized(en: "given its mode", ja: "モード変更できません"),
        "fchmod": Localized(en: "given its mode", ja: "モード変更できません"), "rename": Localized(en: "renamed", ja: "改名できません"),
        "fsync": Localized(en: "brought to disk", ja: "ディスクに書き込めません"), "flock": Localized(en: "locked", ja: "ロックできません"),
        "truncate": Localized(en: "cut", ja: "切り詰められません"), "stat": Localized(en: "looked at", ja: "調べられません"),
        "connect": Localized(en: "reached", ja: "利用できません"), "bind": Localized(en: "made", ja: "作成できません"),
        "kill": Localized(en: "sent a signal", ja: "停止できません"),
    ]

    private static let reasons: [Int32: Localized] = [
        ENOENT: Localized(en: "there is no such file or directory", ja: "そのようなファイルやディレクトリはありません"),
        EACCES: Localized(en: "permission denied", ja: "権限がありません"), EPERM: Localized(en: "not permitted", ja: "許可されていません"),
        EEXIST: Localized(en: "it exists already", ja: "すでに存在します"), ENOTDIR: Localized(en: "not a directory", ja: "ディレクトリではありません"),
        EISDIR: Localized(en: "it is a directory", ja: "ディレクトリです"), ENOSPC: Localized(en: "the disk is full", ja: "ディスクの空き容量がありません"),
        EDQUOT: Localized(en: "the disk quota is used up", ja: "ディスクの割り当てを使い切っています"),
        EROFS: Localized(en: "the file system is read-only", ja: "ファイルシステムが読み出し専用です"),
        EIO: Localized(en: "the disk reports an error", ja: "ディスクの入出力エラーです"),
        ENAMETOOLONG: Localized(en: "the name is too long", ja: "名前が長すぎます"), EFBIG: Localized(en: "it is too large", ja: "大きすぎます"),
        ELOOP: Localized(en: "too many symbolic links", ja: "シンボリックリンクが多すぎます"),
        EMFILE: Localized(en: "too many open files", ja: "開いているファイルが多すぎます"),
        ENFILE: Localized(en: "too many open files in the system", ja: "システム全体で開いているファイルが多すぎます"),
        ENOMEM: Localized(en: "out of memory", ja: "メモリが足りません"), EBUSY: Localized(en: "it is in use", ja: "使用中です"),
        EINVAL: Localized(en: "not valid", ja: "正しくありません"), ESRCH: Localized(en: "it does not run", ja: "動作していません"),
        EPIPE: Localized(en: "the reader has gone", ja: "読み手がいません"), ETIMEDOUT: Localized(en: "no answer in time", ja: "時間内に応答がありません"),
        EAGAIN: Localized(en: "no answer in time", ja: "時間内に応答がありません"),
        ECONNREFUSED: Localized(en: "connection refused", ja: "接続を拒否されました"),
        ECONNRESET: Localized(en: "the connection was cut", ja: "接続が切れました"),
        ENOTEMPTY: Localized(en: "the directory is not empty", ja: "ディレクトリが空ではありません"),
    ]
}
