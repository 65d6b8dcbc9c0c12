internal import SASL

/// A capability and when it holds. The list that clients see is made from this table and the session's features, so that nothing is promised
/// that is not there.
struct IMAPCapability: Sendable {
    var name: String
    var feature: IMAPFeatures = []
    /// Told before login too: what a client can use, or must decide on, without being somebody.
    var isEarly = false

    /// In the order in which they are told.
    static let all: [IMAPCapability] = [
        IMAPCapability(name: "IMAP4rev1", isEarly: true),
        IMAPCapability(name: "IMAP4rev2", feature: .rev2, isEarly: true),
        IMAPCapability(name: "LITERAL+", isEarly: true),  // [RFC7888-5]
        IMAPCapability(name: "SASL-IR", isEarly: true),  // [RFC4959-3]
        IMAPCapability(name: "ID", isEarly: true),  // [RFC2971-3]
        IMAPCapability(name: "ENABLE", isEarly: true),  // [RFC5161-3]
        IMAPCapability(name: "IDLE", feature: .idle, isEarly: true),  // [RFC2177-3]
        IMAPCapability(name: "LANGUAGE", feature: .language, isEarly: true),  // [RFC5255-3.1]
        IMAPCapability(name: "UNSELECT"),  // [RFC3691-2]
        IMAPCapability(name: "UIDPLUS"),  // [RFC4315-2]
        IMAPCapability(name: "CHILDREN"),  // [RFC3348-3]
        IMAPCapability(name: "NAMESPACE", feature: .namespace),  // [RFC2342-5]
        IMAPCapability(name: "MOVE", feature: .move),  // [RFC6851-3]
        IMAPCapability(name: "CONDSTORE", feature: .condStore),  // [RFC7162-3.1.1]
        IMAPCapability(name: "QRESYNC", feature: [.condStore, .qResync]),  // [RFC7162-3.2.2]
        IMAPCapability(name: "ESEARCH", feature: .eSearch),  // [RFC4731-1]
        IMAPCapability(name: "SEARCHRES", feature: .eSearch),  // [RFC5182-2]
        IMAPCapability(name: "WITHIN", feature: .within),  // [RFC5032-2]
        IMAPCapability(name: "SEARCH=FUZZY", feature: .fuzzy),  // [RFC6203-1]
        IMAPCapability(name: "MULTISEARCH", feature: .multiSearch),  // [RFC7377-1]
        IMAPCapability(name: "SORT", feature: .sort),  // [RFC5256-3]
        IMAPCapability(name: "SORT=DISPLAY", feature: [.sort, .sortDisplay]),  // [RFC5957-3]
        IMAPCapability(name: "ESORT", feature: [.sort, .eSearch]),  // [RFC5267-3]
        IMAPCapability(name: "THREAD=ORDEREDSUBJECT", feature: .thread),  // [RFC5256-3]
        IMAPCapability(name: "THREAD=REFERENCES", feature: .thread),
        IMAPCapability(name: "CONTEXT=SEARCH", feature: .context),  // [RFC5267-2]
        IMAPCapability(name: "CONTEXT=SORT", feature: [.context, .sort]),
        IMAPCapability(name: "PARTIAL", feature: .partial),  // [RFC9394-3]
        IMAPCapability(name: "LIST-EXTENDED", feature: .listExtended),  // [RFC5258-3]
        IMAPCapability(name: "LIST-STATUS", feature: .listStatus),  // [RFC5819-2]
        IMAPCapability(name: "LIST-MYRIGHTS", feature: .listMyRights),  // [RFC8440-3]
        IMAPCapability(name: "LIST-METADATA", feature: .listMetadata),
        IMAPCapability(name: "SPECIAL-USE", feature: .specialUse),  // [RFC6154-2]
        IMAPCapability(name: "CREATE-SPECIAL-USE", feature: .createSpecialUse),  // [RFC6154-3]
        IMAPCapability(name: "STATUS=SIZE", feature: .statusSize),  // [RFC8438-2]
        IMAPCapability(name: "MULTIAPPEND", feature: .multiAppend),  // [RFC3502-6.3.11]
        IMAPCapability(name: "BINARY", feature: .binary),  // [RFC3516-3]
        IMAPCapability(name: "CATENATE", feature: .catenate),  // [RFC4469-2]
        IMAPCapability(name: "REPLACE", feature: .replace),  // [RFC8508-2]
        IMAPCapability(name: "NOTIFY", feature: .notify),  // [RFC5465-1]
        IMAPCapability(name: "ACL", feature: .acl),  // [RFC4314-3]
        IMAPCapability(name: "RIGHTS=kxte", feature: .acl),  // [RFC4314-2.2]
        IMAPCapability(name: "QUOTA", feature: .quota),  // [RFC9208-3.1]
        IMAPCapability(name: "QUOTA=RES-STORAGE", feature: .quota),
        IMAPCapability(name: "QUOTASET", feature: [.quota, .quotaSet]),
        IMAPCapability(name: "METADATA", feature: .metadata),  // [RFC5464-1]
        IMAPCapability(name: "OBJECTID", feature: .objectID),  // [RFC8474-3]
        IMAPCapability(name: "PREVIEW", feature: .preview),  // [RFC8970-3]
        IMAPCapability(name: "SAVEDATE", feature: .saveDate),  // [RFC8514-3]
        IMAPCapability(name: "UTF8=ACCEPT", feature: .utf8Accept),  // [RFC6855-3]
        IMAPCapability(name: "I18NLEVEL=1", feature: .i18nLevel1),  // [RFC5255-4.4]
        IMAPCapability(name: "UNAUTHENTICATE", feature: .unauthenticate),  // [RFC8437-2]
        IMAPCapability(name: "UIDONLY", feature: .uidOnly),
        IMAPCapability(name: "INPROGRESS", feature: .inProgress),
        IMAPCapability(name: "URLAUTH", feature: .urlAuth),  // [RFC4467-7]
        IMAPCapability(name: "URLAUTH=BINARY", feature: .urlAuth),  // [RFC5524-3]
        IMAPCapability(name: "UIDBATCHES", feature: .uidBatches),  // [RFC10022-3]
    ]
}

extension IMAPMachine {
    /// As things stand, with blanks between. [RFC9051-6.1.1]
    var capabilities: String {
        let features = self.settings.features
        var names: [String] = []
        for capability in IMAPCapability.all where features.isSuperset(of: capability.feature) {
            if self.identity != nil || capability.isEarly { names.append(capability.name) }
        }
        if features.contains(.appendLimit) { names.append("APPENDLIMIT=\(self.settings.limits.messageSize)") }  // [RFC7889-2]
        if features.contains(.messageLimit), self.identity != nil { names.append("MESSAGELIMIT=\(self.settings.messageLimit)") }
        if self.identity == nil { return (names + self.loginCapabilities).joined(separator: " ") }
        // Not behind a login that was before compression, and never twice. [RFC4978-3]
        if features.contains(.compress), !self.isCompressed { names.append("COMPRESS=DEFLATE") }
        return names.joined(separator: " ")
    }

    private var loginCapabilities: [String] {
        var names = self.tls == nil && self.settings.offersTLS ? ["STARTTLS"] : []
        names += self.settings.mechanisms.listed(passwordsMayTravel: self.mayTakePasswords, withSCRAM: self.settings.listsSCRAM).map {
            "AUTH=\($0.rawValue)"
        }
        if !self.mayTakePasswords { names.append("LOGINDISABLED") }  // [RFC9051-6.2.3]
        return names
    }

    /// The password may travel as it is. [RFC8314-3]
    var mayTakePasswords: Bool { self.tls != nil || self.settings.allowsPlaintextLogin }

}
