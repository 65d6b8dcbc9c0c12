package import Forms
package import Vocabulary

/// What this instance can do with users of the operating system: their maildrops, programs that run as them, their passwords.
package struct SystemDelivery: Sendable, Hashable {
    package enum Service: String, Sendable, Hashable, CaseIterable { case maildrops, programs, passwords }

    package enum Absence: Sendable, Hashable {
        /// Setup was told that it is not wanted.
        case notWanted
        /// The server was not started by root.
        case noRoot
        /// The server runs as root itself, in a trial instance: nobody would stand between it and the users.
        case serviceIsRoot
        /// The program that does it could not be started, or has ended: why.
        case failed(String)
    }

    package var services: Set<Service>
    /// Why nothing of it is there.
    package var absence: Absence?

    package init(services: Set<Service>, absence: Absence? = nil) {
        self.services = services
        self.absence = absence
    }

    /// As long as nobody has looked: everything may be written into forms.
    package static let unknown = SystemDelivery(services: Set(Service.allCases))

    /// Why a service is off, with the cure; nil where it is there.
    package func reason(_ service: Service) -> Localized? {
        guard !self.services.contains(service) else { return nil }
        switch self.absence {
        case nil, .notWanted?:
            return Localized(
                "off: the start file does not name `\(service.rawValue)` below `system-delivery`; run `postoffice setup --system-delivery yes` as root, then start the server again",
                "使用できません: 起動ファイルの system-delivery に \(service.rawValue) がありません。root で postoffice setup --system-delivery yes を実行し、サーバを再起動してください"
            )
        case .noRoot?:
            return Localized(
                "off: the server was not started by root; start it as root, which it gives up for mail",
                "使用できません: サーバが root で起動されていません。root で起動してください（メールの処理では root 権限を放棄します）")
        case .serviceIsRoot?:
            return Localized(
                "off: this trial instance runs as root; name another `user` in the start file",
                "使用できません: この試用インスタンスは root で動作しています。起動ファイルの user に別のユーザを指定してください")
        case .failed(let why)?:
            return Localized(
                "off: postoffice-deliver does not run (\(why)); start the server again",
                "使用できません: postoffice-deliver が動作していません (\(why))。サーバを再起動してください")
        }
    }

    /// The service that an account's field needs.
    package static func service(_ field: Field) -> Service? {
        switch field.key {
        case DeliveryField.maildropDelivery.key: .maildrops
        case DeliveryField.programDelivery.key: .programs
        case AccountField.useOSPassword.key: .passwords
        default: nil
        }
    }
}

extension Directory {
    /// Refuses to switch on what this instance cannot do.
    func checkSystemDelivery(_ input: AccountInput) throws(DirectoryError) {
        let state = self.systemDelivery
        var problems: [FieldProblem] = []
        for field in [DeliveryField.maildropDelivery, DeliveryField.programDelivery, AccountField.useOSPassword]
        where input.values[field.key]?.flag == true {
            if let service = SystemDelivery.service(field), let reason = state.reason(service) { problems.append(field.problem(reason)) }
        }
        guard problems.isEmpty else { throw DirectoryError(problems) }
    }
}

/// Programs that mail may be handed to.
package struct ProgramSettings: Sendable, Equatable {
    /// Names in the directory of programs; empty where program delivery is off.
    package let allowed: Set<String>
    /// Seconds.
    package let time: Int
    /// Bytes, of each process.
    package let memory: Int64

    init(_ reader: SettingReader) {
        self.allowed = Set(reader.text(ProgramField.allowed).split(whereSeparator: { $0.isNewline || $0 == " " }).map(String.init))
        self.time = reader.int(ProgramField.time)
        self.memory = Int64(reader.int(ProgramField.memory))
    }
}
