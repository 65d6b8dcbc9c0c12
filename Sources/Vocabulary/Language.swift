/// The two languages in which the product speaks to people.
package enum Language: String, Sendable, CaseIterable, Codable {
    case english = "en"
    case japanese = "ja"

    /// From a locale name such as `ja_JP.UTF-8`, or from `ja`; nil for languages that we do not speak.
    package init?(localeName: String) {
        switch localeName.prefix(2).lowercased() {
        case "ja": self = .japanese
        case "en", "c", "c.", "po": self = .english  // C, C.UTF-8, POSIX
        default: return nil
        }
    }
}

/// One sentence in both languages.
package struct Localized: Sendable, Hashable {
    package let english: String
    package let japanese: String

    package init(en english: String, ja japanese: String) {
        self.english = english
        self.japanese = japanese
    }

    package func text(_ language: Language) -> String {
        switch language {
        case .english: self.english
        case .japanese: self.japanese
        }
    }
}
