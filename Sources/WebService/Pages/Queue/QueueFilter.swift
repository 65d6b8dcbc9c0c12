internal import MessageStore
internal import Vocabulary
internal import WebPages

/// What of the queue a page shows: read from its query, and written back into its links and forms.
struct QueueFilter: Sendable {
    var query = QueueQuery()
    /// A problem of what was typed.
    var problem: Localized?

    static let states: [(state: QueueQuery.State?, label: Localized)] = [
        (nil, Localized(en: "all", ja: "すべて")), (.due, Localized(en: "waiting for its turn", ja: "送信待ち")),
        (.deferred, Localized(en: "deferred", ja: "再送待ち")), (.held, Localized(en: "held", ja: "保留")),
    ]

    init(_ field: (String) -> String?) {
        func value(_ name: String) -> String? {
            // Blanks at the ends come with copying.
            guard let text = field(name) else { return nil }
            let trimmed = String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            return trimmed.isEmpty ? nil : String(trimmed.prefix(500))
        }
        self.query = QueueQuery(
            state: value("state").flatMap(QueueQuery.State.init(rawValue:)), sender: value("sender"), recipient: value("recipient"),
            destination: value("route"), reason: value("text"))
    }

    var pairs: [(String, String)] {
        var pairs: [(String, String)] = []
        if let state = self.query.state { pairs.append(("state", state.rawValue)) }
        for (name, value) in [
            ("sender", self.query.sender), ("recipient", self.query.recipient), ("route", self.query.destination),
            ("text", self.query.reason),
        ] { if let value { pairs.append((name, value)) } }
        return pairs
    }

    /// As options of the queue's commands.
    var options: [String: [String]] {
        var options: [String: [String]] = [:]
        for (name, value) in self.pairs { options[name] = [value] }
        if options.isEmpty { options["all"] = [] }
        return options
    }

    /// In words, for the question before everything is changed.
    func words(_ request: WebRequest) -> [String] {
        var out: [String] = []
        if let state = self.query.state, let label = Self.states.first(where: { $0.state == state })?.label {
            out.append(request.say("state: ", "状態: ") + label.text(request.language))
        }
        if let sender = self.query.sender { out.append(request.say("sender: ", "送信者: ") + sender) }
        if let recipient = self.query.recipient { out.append(request.say("recipient: ", "宛先: ") + recipient) }
        if let route = self.query.destination { out.append(request.say("next hop: ", "経路: ") + route) }
        if let text = self.query.reason { out.append(request.say("reason: ", "理由: ") + text) }
        return out.isEmpty ? [request.say("everything in the queue", "キュー内のすべて")] : out
    }

    /// The form that asks for another choice.
    func html(_ request: WebRequest) -> HTML {
        HTML.build { out in
            out.add(.form, [.get, .action("/queue"), .role(.search), .class("filter")]) { form in
                form.add(.p) { line in
                    line.add(.label, [.for("state")], request.say("State", "状態"))
                    line.add(.select, [.id("state"), .name("state")]) { select in
                        for (state, label) in Self.states {
                            let isChosen = state == self.query.state
                            select.add(
                                .option, [.value(state?.rawValue ?? "")] + (isChosen ? [.selected] : []), label.text(request.language))
                        }
                    }
                }
                for (name, label, value) in [
                    ("sender", request.say("Sender (address, domain, or <> for reports)", "送信者（アドレス、ドメイン、通知は <>）"), self.query.sender),
                    ("recipient", request.say("Recipient (address or domain)", "宛先（アドレスまたはドメイン）"), self.query.recipient),
                    ("route", request.say("Next hop", "経路"), self.query.destination),
                    ("text", request.say("In the reason", "理由に含まれる文字列"), self.query.reason),
                ] {
                    form.add(.p) { line in
                        line.add(.label, [.for(name)], label)
                        line.add(.input, [.id(name), .name(name), .type(.search), .maxlength(500), .value(value ?? "")])
                    }
                }
                form.add(.p, [.class("buttons")]) { $0.add(.button, [.type(.submit)], PageWords.search.text(request.language)) }
            }
        }
    }
}
