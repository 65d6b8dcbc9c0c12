internal import Vocabulary

/// Every text that a person may see behind +OK or -ERR.
enum POP3Phrase: CaseIterable, Sendable {
    case sendPassword, loginFailed, notFromHere, accountLocked, accountExpired, serviceOff, tooManyFailures, unavailable
    case tlsFirst, userFirst, loginFirst, alreadyLoggedIn, cancelled, malformedAuth, unknownMechanism, mechanismsFollow
    case maildropInUse, maildropUnavailable, loginTooSoon, messageGone, messageUnreadable, messageOnlyWhole, messageWithheld, accountClosed,
        updateFailed
    case unknownCommand, badCharacters, badLineEnd, lineTooLong, tooManyErrors, usage
    case noSuchMessage, alreadyDeleted, notANumber, messageDeleted, listFollows, capabilitiesFollow, done
    case beginTLS, tlsActive, tlsUnavailable, utf8On, languageChanged, languageUnknown, languagesFollow, farewell

    func text(_ language: Language) -> StaticString {
        switch language {
        case .english: self.english
        case .japanese: self.japanese
        }
    }

    private var english: StaticString {
        switch self {
        case .sendPassword: "now send your password with PASS"
        case .loginFailed: "login failed: wrong name or password"
        case .notFromHere: "login from your address is not allowed"
        case .accountLocked: "this account is locked"
        case .accountExpired: "this account has expired"
        case .serviceOff: "this account may not use POP3"
        case .tooManyFailures: "too many failed logins, try again later"
        case .unavailable: "login is not possible just now, try again later"
        case .tlsFirst: "passwords are taken only under TLS: use STLS first, or the POP3S port"
        case .userFirst: "say USER first"
        case .loginFirst: "log in first"
        case .alreadyLoggedIn: "you are logged in already"
        case .cancelled: "login cancelled"
        case .malformedAuth: "this is not what the mechanism asks for"
        case .unknownMechanism: "no such mechanism here"
        case .mechanismsFollow: "mechanisms follow"
        case .maildropInUse: "your mailbox is in use by another session"
        case .maildropUnavailable: "your mailbox cannot be opened just now"
        case .loginTooSoon: "you logged in a moment ago, wait before the next time"
        case .messageGone: "this message was removed meanwhile"
        case .messageUnreadable: "this message cannot be read just now"
        case .messageOnlyWhole: "the lines of this message cannot be counted: they stopped the server twice; RETR gives it as it is"
        case .messageWithheld: "this message cannot be shown: it stops the server; ask your postmaster"
        case .accountClosed: "your account is not active any more, good-bye"
        case .updateFailed: "some deleted messages were not removed"
        case .unknownCommand: "unknown command"
        case .badCharacters: "the command contains characters that are not allowed"
        case .badLineEnd: "lines must end with CR LF"
        case .lineTooLong: "line too long"
        case .tooManyErrors: "too many errors, good-bye"
        case .usage: "usage:"
        case .noSuchMessage: "no such message"
        case .alreadyDeleted: "this message is marked as deleted"
        case .notANumber: "this is not a message number"
        case .messageDeleted: "marked as deleted"
        case .listFollows: "list follows"
        case .capabilitiesFollow: "capability list follows"
        case .done: "done"
        case .beginTLS: "begin TLS now"
        case .tlsActive: "TLS is on already"
        case .tlsUnavailable: "TLS is not available here"
        case .utf8On: "UTF8 mode is on"
        case .languageChanged: "language changed"
        case .languageUnknown: "no such language here"
        case .languagesFollow: "language list follows"
        case .farewell: "signing off"
        }
    }

    private var japanese: StaticString {
        switch self {
        case .sendPassword: "PASS でパスワードを送ってください"
        case .loginFailed: "ログインできません。名前またはパスワードが違います"
        case .notFromHere: "このアドレスからのログインは許可されていません"
        case .accountLocked: "このアカウントはロックされています"
        case .accountExpired: "このアカウントは期限が切れています"
        case .serviceOff: "このアカウントは POP3 を使えません"
        case .tooManyFailures: "ログインの失敗が多すぎます。しばらくしてからやり直してください"
        case .unavailable: "いまはログインできません。しばらくしてからやり直してください"
        case .tlsFirst: "パスワードは TLS の中でのみ受け付けます。先に STLS を使うか、POP3S ポートに接続してください"
        case .userFirst: "先に USER を送ってください"
        case .loginFirst: "先にログインしてください"
        case .alreadyLoggedIn: "すでにログインしています"
        case .cancelled: "ログインを取り消しました"
        case .malformedAuth: "認証方式に合わない応答です"
        case .unknownMechanism: "その認証方式はありません"
        case .mechanismsFollow: "認証方式の一覧"
        case .maildropInUse: "メールボックスは別のセッションで使用中です"
        case .maildropUnavailable: "いまはメールボックスを開けません"
        case .loginTooSoon: "前回のログインから時間がたっていません。しばらく待ってください"
        case .messageGone: "このメッセージはすでに削除されました"
        case .messageUnreadable: "いまはこのメッセージを読めません"
        case .messageOnlyWhole: "このメッセージの行数は数えられません。サーバを二度停止させました。RETR ではそのまま取り出せます"
        case .messageWithheld: "このメッセージは表示できません。サーバを停止させるためです。ポストマスタに連絡してください"
        case .accountClosed: "このアカウントは使えなくなりました。終了します"
        case .updateFailed: "削除できなかったメッセージがあります"
        case .unknownCommand: "知らないコマンドです"
        case .badCharacters: "使えない文字が含まれています"
        case .badLineEnd: "行の終わりは CR LF でなければなりません"
        case .lineTooLong: "行が長すぎます"
        case .tooManyErrors: "エラーが多すぎます。終了します"
        case .usage: "書式:"
        case .noSuchMessage: "そのメッセージはありません"
        case .alreadyDeleted: "このメッセージには削除の印が付いています"
        case .notANumber: "メッセージ番号ではありません"
        case .messageDeleted: "削除の印を付けました"
        case .listFollows: "一覧"
        case .capabilitiesFollow: "機能の一覧"
        case .done: "完了"
        case .beginTLS: "TLS を始めてください"
        case .tlsActive: "すでに TLS を使っています"
        case .tlsUnavailable: "ここでは TLS を使えません"
        case .utf8On: "UTF8 モードにしました"
        case .languageChanged: "言語を変更しました"
        case .languageUnknown: "その言語はありません"
        case .languagesFollow: "言語の一覧"
        case .farewell: "終了します"
        }
    }
}
