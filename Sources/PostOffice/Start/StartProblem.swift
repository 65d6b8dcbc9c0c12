package import Vocabulary

/// Why a start file cannot be used: one line with file, line, field and cure. Exit status 2.
package struct StartProblem: Error, Sendable, Equatable {
    package var file: String
    /// Counted from 1; nil where the trouble is with the file as a whole.
    package var line: Int?
    /// Path of the field, for example `listeners[2].port`; empty for the whole.
    package var field: String
    package var what: Localized
    package var cure: Localized

    /// One line, whatever stands in the file: names of fields may have line ends and go on for long.
    package func text(_ language: Language) -> String { OneLine.of(self.sentence(language)) }

    private func sentence(_ language: Language) -> String {
        var place = self.file
        if let line = self.line { place += ":\(line)" }
        if !self.field.isEmpty { place += ": \(self.field)" }
        switch language {
        case .english: return "\(place): \(self.what.english); \(self.cure.english)"
        case .japanese: return "\(place): \(self.what.japanese)。\(self.cure.japanese)"
        }
    }
}
