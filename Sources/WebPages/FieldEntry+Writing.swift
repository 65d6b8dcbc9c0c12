internal import Bytes
internal import Forms
internal import Vocabulary

// A field on the page: label, input, help, problem. Inputs of one thing are labelled by `label`, those of several are a `fieldset`.
extension FieldEntry {
    private var inputID: String { Self.id(self.field.key) }
    private var helpID: String { "\(self.inputID)-help" }
    private var problemID: String { "\(self.inputID)-problem" }
    private var adviceID: String { "\(self.inputID)-advice" }

    func write(to form: inout HTML, _ language: Language) {
        let wrong = "field" + (self.problem == nil ? "" : " wrong") + (self.isTable ? " rows" : "")
        if self.isGroup {
            form.add(.fieldset, [.class(wrong), .id("\(self.inputID)-group"), .aria(.describedBy, self.descriptions)]) { box in
                box.add(.legend, [.class("name")], self.title.text(language))
                self.writeRight(&box, language)
            }
        } else {
            form.add(.div, [.class(wrong)]) { box in
                box.add(.label, [.class("name"), .for(self.inputID)], self.title.text(language))
                self.writeRight(&box, language)
            }
        }
    }

    private func writeRight(_ box: inout HTML, _ language: Language) {
        box.add(.div) { right in
            if let problem = self.problem { right.add(.p, [.class("problem"), .id(self.problemID)], problem.text(language)) }
            switch self.access {
            case .readOnly: self.writeValue(&right, language)
            case .hidden(let why): right.add(.p, [.class("value"), .id(self.inputID), .tabindex(-1)], why.text(language))
            case .edit, .off: self.writeInput(&right, language)
            }
            if case .off(let why) = self.access { right.add(.p, [.class("off"), .id(self.adviceID)], why.text(language)) }
            if let advice = self.advice { right.add(.p, [.class("soft"), .id(self.adviceID)], advice.text(language)) }
            self.writeHelp(&right, language)
        }
    }

    /// Beside each field, opened without a script.
    private func writeHelp(_ right: inout HTML, _ language: Language) {
        right.add(.details, [.class("help")]) { help in
            help.add(.summary) { summary in
                summary.add(.span, [.aria(.hidden, "true")], "ⓘ ")
                summary.text(PageWords.help, language)
                summary.add(.span, [.class("unseen")], ": \(self.title.text(language))")
            }
            help.add(.p, [.id(self.helpID)]) { text in
                text.text(self.field.help, language)
                let standard = self.field.shown(self.field.defaultValue, language)
                if !standard.isEmpty { text.text(" " + PageWords.standard(standard).text(language)) }
                text.text(" " + PageWords.commandName(self.field.key.text).text(language))
            }
        }
    }

    // MARK: what is shared by inputs

    private var isTable: Bool { if case .table = self.field.type { true } else { false } }

    /// True where several inputs make one field.
    private var isGroup: Bool {
        switch self.access {
        case .readOnly, .hidden: return true
        case .edit, .off: break
        }
        switch self.field.type {
        case .words: return true
        case .table: return self.showsRows
        default: return false
        }
    }

    private var descriptions: String {
        var ids: [String] = []
        if self.problem != nil { ids.append(self.problemID) }
        if case .off = self.access { ids.append(self.adviceID) } else if self.advice != nil { ids.append(self.adviceID) }
        return (ids + [self.helpID]).joined(separator: " ")
    }

    /// Attributes of the one input.
    private var common: [Attribute] {
        var all: [Attribute] = [.id(self.inputID), .name(self.field.key.text), .aria(.describedBy, self.descriptions)] + self.switches
        if self.isRequired { all.append(.aria(.required, "true")) }
        return all
    }

    private var switches: [Attribute] {
        var all: [Attribute] = []
        if self.problem != nil { all.append(.aria(.invalid, "true")) }
        if case .off = self.access { all.append(.disabled) }
        return all
    }

    /// What the input shows: as typed, else the value as people write it.
    private var texts: [String] {
        if case .texts(let texts) = self.typed { return texts }
        return self.field.type.isText
            ? self.field.stored(self.field.effective(self.value)).map { [$0] } ?? []
            : self.field.written(self.field.effective(self.value))
    }

    private var line: String { self.texts.first ?? "" }

    // MARK: inputs by type

    private func writeInput(_ right: inout HTML, _ language: Language) {
        switch self.field.type {
        case .text(let maximum): self.input(&right, .text, isShort: maximum <= 20)
        case .paragraph: self.area(&right, self.texts.joined(separator: "\n"), rows: 6)
        case .integer: self.input(&right, .text, isShort: true, [.inputMode(.numeric)])
        case .bytes, .duration: self.input(&right, .text, isShort: true)
        case .flag: self.tick(&right, language)
        case .choice(let choices): self.choice(&right, choices, language)
        case .date: self.input(&right, self.line.isEmpty || Notation.isDate(self.line) ? .date : .text, isShort: true)
        case .address: self.input(&right, .text, [.inputMode(.email)])
        case .loginName, .domain: self.input(&right, .text, [.autocomplete(.off)])
        case .url: self.input(&right, .text, [.inputMode(.url)])
        case .telephone: self.input(&right, .text, [.inputMode(.tel)])
        case .addresses, .domains, .accessList, .networks, .domainPatterns, .mailPatterns, .servers:
            self.area(&right, self.texts.joined(separator: "\n"), rows: min(12, max(3, self.texts.count + 1)))
            right.add(.p, [.class("soft")], PageWords.oneEntryALine.text(language))
        case .words(let choices): self.ticks(&right, choices, language)
        case .picture: self.picture(&right, language)
        case .password: self.password(&right, language)
        case .table(let table): self.table(&right, table, language)
        }
    }

    private func input(_ right: inout HTML, _ type: InputType, isShort: Bool = false, _ more: [Attribute] = []) {
        right.add(.input, [.type(type), .value(self.line)] + self.common + (isShort ? [.class("short")] : []) + more)
    }

    private func area(_ right: inout HTML, _ text: String, rows: Int) {
        // Browsers drop the first line end of a textarea, so that one goes in front.
        right.add(.textarea, [.rows(rows)] + self.common) { $0.text("\n" + text) }
    }

    /// A hidden field of the same name says that the box was on the form; browsers send nothing for one that is not ticked.
    private func tick(_ right: inout HTML, _ language: Language) {
        right.hidden(self.field.key.text, "")
        let isOn: Bool =
            if case .texts(let texts) = self.typed { texts.last == "yes" } else { self.field.effective(self.value).flag ?? false }
        right.add(.input, [.type(.checkbox), .value("yes")] + self.common + (isOn ? [.checked] : []))
        right.add(.span, [.aria(.hidden, "true")], PageWords.yes.text(language))
    }

    private func choice(_ right: inout HTML, _ choices: [Choice], _ language: Language) {
        let chosen = self.line
        right.add(.select, self.common) { select in
            if self.field.defaultValue.isNone && !self.isRequired { select.add(.option, [.value("")], "-") }
            for choice in choices {
                select.add(.option, [.value(choice.name)] + (choice.name == chosen ? [.selected] : []), choice.label.text(language))
            }
            // Something else was sent: it stays to be seen.
            if !chosen.isEmpty, !choices.contains(where: { $0.name == chosen }) {
                select.add(.option, [.value(chosen), .selected], chosen)
            }
        }
    }

    private func ticks(_ right: inout HTML, _ choices: [Choice], _ language: Language) {
        right.hidden(self.field.key.text, "")
        let on = Set(self.texts)
        right.add(.div, [.class("ticks"), .id(self.inputID), .tabindex(-1)]) { list in
            for choice in choices {
                list.add(.label) { label in
                    let attributes: [Attribute] = on.contains(choice.name) ? [.checked] : []
                    label.add(
                        .input, [.type(.checkbox), .name(self.field.key.text), .value(choice.name)] + self.switches + attributes)
                    label.text(choice.label, language)
                }
            }
        }
    }

    /// Never given back; the second input catches a slip of the finger.
    private func password(_ right: inout HTML, _ language: Language) {
        right.add(.input, [.type(.password), .autocomplete(.newPassword)] + self.common)
        guard self.asksTwice else { return }
        right.add(.div, [.class("again")]) { again in
            let id = self.inputID + "-again"
            again.add(.label, [.for(id)], Self.againLabel(self.title).text(language))
            again.add(
                .input,
                [.type(.password), .id(id), .name(self.field.key.text + FormReading.againSuffix), .autocomplete(.newPassword)]
                    + self.switches)
        }
    }

    private static func againLabel(_ label: Localized) -> Localized {
        Localized(en: "\(label.english), \(PageWords.again.english)", ja: label.japanese + PageWords.again.japanese)
    }

    private func picture(_ right: inout HTML, _ language: Language) {
        let text = self.line
        if !text.isEmpty, self.problem == nil {
            right.add(.p) { $0.add(.img, [.picture(base64: text, isPNG: text.hasPrefix("iVBOR")), .alt(self.title.text(language))]) }
        }
        right.add(
            .input,
            [
                .type(.file), .id(self.inputID + "-file"), .name(self.field.key.text + FormReading.fileSuffix),
                .accept("image/jpeg,image/png"),
                .aria(.label, self.title.text(language)),
            ] + self.switches)
        self.area(&right, text, rows: 2)
    }

    private func writeValue(_ right: inout HTML, _ language: Language) {
        let shown = self.field.isSecret ? "" : self.field.shown(self.field.effective(self.value), language)
        right.add(.p, [.class("value"), .id(self.inputID), .tabindex(-1)]) { line in
            if shown.isEmpty { line.add(.span, [.class("soft")], PageWords.notSet.text(language)) } else { line.foreign(shown) }
        }
    }
}

extension FieldType {
    /// Shown as it is stored.
    var isText: Bool {
        switch self {
        case .text, .paragraph, .choice, .date, .address, .loginName, .domain, .url, .telephone, .picture, .password: true
        default: false
        }
    }
}
