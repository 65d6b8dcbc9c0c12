internal import Forms
package import Vocabulary

/// A form: sections of fields, where it is sent, and the two buttons.
package struct FormView: Sendable {
    package struct Section: Sendable {
        package let title: Localized?
        package let advice: [Localized]
        package var entries: [FieldEntry]

        package init(title: Localized? = nil, advice: [Localized] = [], _ entries: [FieldEntry]) {
            self.title = title
            self.advice = advice
            self.entries = entries
        }
    }

    package let action: Link
    package var csrfToken: String
    package var sections: [Section]
    package var hidden: [(name: String, value: String)] = []
    package var submit: Localized = PageWords.submit
    /// Further buttons beside the two.
    package var buttons: [(name: String, value: String, label: Localized)] = []

    package init(action: Link, csrfToken: String, _ sections: [Section]) {
        self.action = action
        self.csrfToken = csrfToken
        self.sections = sections
    }

    private static let longForm = 7

    /// Puts what was read from a submitted form into the fields: texts as typed, problems at their places.
    package mutating func apply(_ reading: FormReading) {
        for section in self.sections.indices {
            for index in self.sections[section].entries.indices {
                let key = self.sections[section].entries[index].field.key
                self.sections[section].entries[index].typed = reading.typed[key]
                self.sections[section].entries[index].wrongRow = reading.wrongRows[key]
                if let problem = reading.problem(key) {
                    self.sections[section].entries[index].problem = self.sections[section].entries[index].field.bare(problem)
                }
            }
        }
    }

    private var entries: [FieldEntry] { self.sections.flatMap(\.entries) }
    private var takesFiles: Bool {
        self.entries.contains { if case .picture = $0.field.type, case .edit = $0.access { true } else { false } }
    }
    private var canChange: Bool { self.entries.contains { if case .edit = $0.access { true } else { false } } }

    package func html(_ language: Language) -> HTML {
        HTML.build { out in
            self.summary(&out, language)
            let encoding: [Attribute] = self.takesFiles ? [.multipart] : []
            out.add(.form, [.post, .action(self.action), .novalidate, .data(.warn, "1")] + encoding) { form in
                form.hidden(Page.csrfName, self.csrfToken)
                for (name, value) in self.hidden { form.hidden(name, value) }
                // Long forms have the buttons above too, where the original had them.
                if self.canChange, self.entries.count > Self.longForm { self.buttons(&form, language) }
                for section in self.sections {
                    if let title = section.title { form.add(.h2, [], title.text(language)) }
                    for advice in section.advice { form.add(.p, [.class("advice")], advice.text(language)) }
                    for entry in section.entries { entry.write(to: &form, language) }
                }
                if self.canChange { self.buttons(&form, language) }
            }
        }
    }

    private func buttons(_ form: inout HTML, _ language: Language) {
        form.add(.p, [.class("buttons")]) { line in
            line.add(.button, [.type(.submit)], self.submit.text(language))
            for button in self.buttons {
                line.add(.button, [.type(.submit), .name(button.name), .value(button.value), .class("quiet")], button.label.text(language))
            }
            line.add(.button, [.type(.reset)], PageWords.reset.text(language))
        }
    }

    /// All problems in one place, each a link to its field.
    private func summary(_ out: inout HTML, _ language: Language) {
        let wrong = self.entries.filter { $0.problem != nil }
        guard !wrong.isEmpty else { return }
        out.add(.div, [.class("summary"), .id("errors"), .role(.alert), .tabindex(-1)]) { box in
            box.add(.h2, [], PageWords.problems(wrong.count).text(language))
            box.add(.ul) { list in
                for entry in wrong {
                    list.add(.li) { item in
                        item.link(
                            Link(fragment: FieldEntry.id(entry.field.key)),
                            "\(entry.title.text(language)): \(entry.problem?.text(language) ?? "")")
                    }
                }
            }
        }
    }
}
