import ArgumentParser
import Forms
import Glibc
import Vocabulary

/// The words of a command line before the library reads them.
package enum CommandWords {
    /// Options whose value may be a number; all others take names and texts.
    private static let numeric: Set<String> = [
        "--limit", "--days", "--lines", "-n", "--wait", "--drain", "--silence", "--pause", "--port-base", "--uid", "--entry",
    ]

    /// What the library shall read.
    package static func prepared(_ words: [String]) -> [String] { self.protected(self.movingCommonOptions(words)) }

    /// `postoffice --lang ja status` is `postoffice status --lang ja`.
    package static func movingCommonOptions(_ words: [String]) -> [String] {
        var (rest, moved) = (words[...], [String]())
        while let word = rest.first {
            if ["--config", "--lang"].contains(word), rest.count > 1 {
                moved += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if word.hasPrefix("--config=") || word.hasPrefix("--lang=") {
                moved.append(word)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        guard !moved.isEmpty else { return words }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return rest[..<end] + moved + rest[end...]
    }

    /// The first word that should name a command and does not, with the names there are; nil where all do.
    static func unknownCommand(_ words: [String], _ root: any ParsableCommand.Type) -> (name: String, known: [String])? {
        var command = root
        for word in words {
            let commands = command.configuration.subcommands
            if word == "help", command == root { continue }
            guard !commands.isEmpty, !word.hasPrefix("-") else { return nil }
            guard let next = commands.first(where: { $0.configuration.commandName == word }) else {
                return (word, commands.filter { $0.configuration.shouldDisplay }.compactMap { $0.configuration.commandName })
            }
            command = next
        }
        return nil
    }

    /// `-5` is a value, never an option of ours: it goes behind `--`, so that the field says what is wrong with it.
    package static func protected(_ words: [String]) -> [String] {
        guard !words.contains("--") else { return words }
        var (kept, numbers): ([String], [String]) = ([], [])
        for word in words {
            if self.isNegative(word), !(kept.last.map { self.numeric.contains($0) } ?? false) {
                numbers.append(word)
            } else {
                kept.append(word)
            }
        }
        return numbers.isEmpty ? words : kept + ["--"] + numbers
    }

    private static func isNegative(_ word: String) -> Bool {
        let bytes = Array(word.utf8.prefix(2))
        return bytes.count == 2 && bytes[0] == UInt8(ascii: "-") && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[1])
    }

    /// Where the first word stands that is not UTF-8, counted from 1; such a name could never be found again. nil: all are.
    static func firstNotUTF8() -> Int? {
        (1..<max(1, Int(CommandLine.argc))).first { index in
            guard let word = CommandLine.unsafeArgv[index] else { return false }
            return String(validatingCString: word) == nil
        }
    }
}

/// Whole numbers in options: out of bounds or no number at all is told with the bounds.
enum WholeNumber {
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    static func within<Number: FixedWidthInteger & Sendable>(_ range: ClosedRange<Number>) -> @Sendable (String) throws -> Number {
        { text in
            guard let number = Number(text), range.contains(number) else {
                let (low, high) = (range.lowerBound, range.upperBound)
                throw Problem(description: .said("write a whole number from \(low) to \(high)", "\(low) から \(high) までの整数を指定してください。"))
            }
            return number
        }
    }
}
