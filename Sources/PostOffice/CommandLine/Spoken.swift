import ArgumentParser
import Vocabulary

/// The language of this process, for texts that stand before anything is parsed: help, and mistakes in arguments. A process of the
/// command line speaks one language from its first word to its last.
enum Spoken {
    static let language = CommonOptions.language(of: CommandLine.arguments)
}

extension String {
    /// A text of the help in both languages, of which the reader gets one.
    static func said(_ english: String, _ japanese: String) -> String { Localized(en: english, ja: japanese).text(Spoken.language) }
}

extension ArgumentHelp {
    static func said(
        _ english: String, _ japanese: String, valueName: String? = nil, visibility: ArgumentVisibility = .default
    ) -> ArgumentHelp {
        ArgumentHelp(.said(english, japanese), valueName: valueName, visibility: visibility)
    }
}

extension ValidationError {
    init(en english: String, ja japanese: String) { self.init(.said(english, japanese)) }
    init(_ text: Localized) { self.init(text.text(Spoken.language)) }
}
