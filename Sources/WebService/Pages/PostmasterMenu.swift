internal import Vocabulary
internal import WebPages

/// The postmaster's menus. An entry shows only where its page exists; each area adds its line.
enum PostmasterMenu {
    struct Item: Sendable {
        let path: String
        let label: Localized
        let about: Localized
        var link: Link { Link([String(self.path.dropFirst())]) }

        init(_ path: String, _ english: String, _ japanese: String, _ about: Localized) {
            self.path = path
            self.label = Localized(en: english, ja: japanese)
            self.about = about
        }
    }

    private static let all: [Item] = [
        Item("/menu", "Main menu", "メインメニュー", Localized(en: "Everything at a glance.", ja: "全体のメニューです。")),
        Item(
            "/accounts", "Account management", "アカウント管理",
            Localized(en: "Look at accounts, add, change and delete them.", ja: "アカウントの一覧、追加、変更、削除を行います。")),
        Item(
            "/configuration", "System configuration", "システムコンフィグレーション",
            Localized(en: "How the server receives, sends and keeps mail.", ja: "メールの受信、送信、保存の方法を設定します。")),
        Item(
            "/queue", "Queue", "キュー",
            Localized(en: "Mail that waits, deferred mail, and what to do with it.", ja: "送信待ちのメールと保留中のメールを処理します。")),
        Item(
            "/deferred", "Deferred Mail", "配信待ちメール",
            Localized(en: "What waits for another attempt, by next hop, and why.", ja: "再送待ちのメールを経路ごとに、理由とともに表示します。")),
        Item("/trail", "Message trail", "メッセージの追跡", Localized(en: "What happened to a message.", ja: "メールがどのように処理されたかを調べます。")),
        Item("/log", "Log", "ログ", Localized(en: "What the server did.", ja: "サーバの動作の記録です。")),
        Item("/dashboard", "Dashboard", "ダッシュボード", Localized(en: "The server in figures.", ja: "サーバの状態を数値とグラフで表示します。")),
        Item("/storage", "Storage", "ストレージ", Localized(en: "Who uses how much.", ja: "アカウントごとの使用量です。")),
        Item("/audit", "Audit log", "操作の記録", Localized(en: "What postmasters changed.", ja: "ポストマスタが変更した内容です。")),
        Item("/tokens", "Keys of the API", "API のキー", Localized(en: "Let programs administer.", ja: "プログラムから管理するためのキーです。")),
        Item("/status", "Status", "状態", Localized(en: "Directories, ports, what is wrong and the cure.", ja: "ディレクトリ、ポート、異常とその対処です。")),
        Item("/sessions", "Sessions", "セッション", Localized(en: "Who is logged in here.", ja: "ログイン中の利用者です。")),
        Item("/broadcast", "Broadcast", "全ユーザへの通知", Localized(en: "A message to all accounts.", ja: "すべてのアカウントにメールを送信します。")),
        Item(
            "/checklist", "Set-up checklist", "セットアップの確認",
            Localized(en: "What is done, and what is still missing.", ja: "完了した項目と、残っている項目です。")),
        Item(
            "/information", "Licensing/configuration information", "ライセンス/コンフィグレーション情報",
            Localized(en: "Version, directories, ports, certificates.", ja: "バージョン、ディレクトリ、ポート、証明書です。")),
        Item(
            "/own", "Own account", "個人アカウント情報",
            Localized(en: "Your own password, delivery and directory entry.", ja: "自分のパスワード、配信方法、ディレクトリ情報です。")),
    ]

    static let items: [Item] = {
        let paths = Set(Routes.all.filter { $0.method == .get }.map(\.path))
        return Self.all.filter { paths.contains($0.path) }
    }()

    static var entries: [MenuEntry] { self.items.map { MenuEntry($0.label, $0.link) } }
}
