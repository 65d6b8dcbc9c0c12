import Directory
import Forms
import SASL
import Vocabulary

/// Setup's part of the directory database: main domain, host name, name servers, postmaster password.
enum SetupDirectory {
    private static let actor = Actor(name: "setup", interface: "setup")
    /// A trial instance sends nothing to other computers, and its new mailboxes are empty: who tries it counts what he sends.
    private static let trialSettings: [FieldKey: FieldValue] = [
        QueueField.reach.key: .text("this-host"), RoutingField.greetingMail.key: .flag(false),
    ]

    static func fill(_ plan: SetupPlan, _ tell: (Localized) -> Void) throws(AdminFailure) {
        let start = StartConfiguration(file: plan.configurationFile, directories: plan.directories, listeners: [])
        guard case .taken(let lock) = ServerLock.take(start.serverLock) else {
            throw AdminFailure(
                Localized(
                    en: "the server is running; `postoffice shutdown` first", ja: "サーバが動作中です。先に postoffice shutdown を実行してください"))
        }
        defer { lock.release() }
        let directory = try Opening.directory(start)
        defer { directory.close() }
        let isNew = !directory.isSetUp
        // An earlier answer stays where none is given now.
        let routing = directory.configuration.routing
        let domain = plan.domain.isEmpty ? routing.mainDomain : plan.domain
        let host = plan.domain.isEmpty ? routing.hostName : plan.hostName
        let password = isNew || plan.replacesPassword ? plan.postmasterPassword : nil
        do {
            try directory.setUp(
                mainDomain: domain, hostName: host, nameServers: plan.nameServers, postmasterPassword: password.map { Secret($0) },
                first: plan.staysHere ? Self.trialSettings : [:], by: Self.actor)
        } catch {
            throw AdminFailure(error.message)
        }
        if isNew {
            tell(
                Localized(
                    en: "domain \(domain), host \(host), account \(Self.postmaster(directory) ?? "postmaster")",
                    ja: "ドメイン \(domain)、ホスト \(host)、アカウント \(Self.postmaster(directory) ?? "postmaster")"))
        } else {
            tell(Localized(en: "kept accounts and configuration", ja: "アカウントと設定はそのままです"))
            if password != nil { tell(Localized(en: "changed the postmaster password", ja: "ポストマスタのパスワードを変更しました")) }
        }
    }

    /// As `account list` shows it.
    private static func postmaster(_ directory: Directory) -> String? {
        directory.find("postmaster").flatMap { try? directory.details($0) }?.primary
    }
}
