import Vocabulary

/// `sendmail --help`. The options are those of forty years; nobody has to look for them elsewhere.
enum SendmailHelp {
    static let text = Localized(en: english, ja: japanese)

    private static let english = """
        Usage: sendmail [options] [--] [address ...]     a message on standard input
               mailq                                     the queue, like sendmail -bp
               newaliases                                takes over /etc/aliases, like sendmail -bi

          -t              recipients are in the header: To, Cc, Bcc
          -i, -oi         a line with a dot alone does not end the message
          -f ADDRESS      envelope sender; '' for none
          -F NAME         real name for a From field that is missing
          -N WHEN         never, or success, failure, delay with commas between
          -R full|hdrs    how much of the message a report has
          -V ID           envelope id for reports
          -bs             SMTP on standard input and output
          -bp             list the queue
          -bv             say where addresses lead
          -bd             start the server unless it runs
          -q              try now what waits in the queue

        Exit status as in sysexits.h: 0 accepted, 64 wrong use, 65 bad address or message, 75 try again later, 77 not allowed.

        Example:
          printf 'Subject: hello\\n\\nIt works.\\n' | sendmail -i taro@example.com

        """

    private static let japanese = """
        使い方: sendmail [オプション] [--] [アドレス ...]   標準入力のメッセージを送る
                mailq                                       キューの一覧 (sendmail -bp と同じ)
                newaliases                                  /etc/aliases を引き継ぐ (sendmail -bi と同じ)

          -t              ヘッダの To、Cc、Bcc を宛先にする
          -i, -oi         ドットだけの行でメッセージを終わらない
          -f アドレス     エンベロープの送信者。'' は送信者なし
          -F 名前         From フィールドがないときの実名
          -N 条件         never、または success、failure、delay をコンマで区切る
          -R full|hdrs    通知に含める範囲 (全体かヘッダだけか)
          -V ID           通知に付けるエンベロープ ID
          -bs             標準入出力で SMTP を話す
          -bp             キューの一覧を表示する
          -bv             アドレスの行き先を表示する
          -bd             サーバが動いていなければ起動する
          -q              キューで待っているものを今すぐ送る

        終了ステータスは sysexits.h のとおり: 0 受け付けた、64 使い方の誤り、65 アドレスかメッセージの誤り、75 後でやり直す、77 許可されていない。

        例:
          printf 'Subject: hello\\n\\nIt works.\\n' | sendmail -i taro@example.com

        """
}
