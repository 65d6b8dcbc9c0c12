package import Vocabulary

/// A command line of the field `programs-to-run`, split into words by our own rules. No shell ever sees it, and none of its signs has a
/// meaning: no variables, no patterns, no pipes.
///
/// - Blanks and tabs separate words.
/// - Between single quotes everything stands for itself.
/// - Between double quotes everything stands for itself but `\"` and `\\`.
/// - Outside of quotes a backslash makes the next character stand for itself.
/// - The first word is the name of an allowed program: letters, digits and `._+-`.
package enum CommandWords {
    package enum Fault: Error, Sendable, Hashable {
        case empty
        /// A quote has no end, or a backslash nothing behind it.
        case unfinished
        /// A sign that only a shell would understand stands outside of quotes.
        case shellSign(Character)
        case badName(String)
        case tooMany
    }

    /// Words of a line, the program's name included.
    package static let most = 30
    private static let shellSigns: Set<Character> = ["|", "&", ";", "<", ">", "`", "$", "(", ")"]

    /// Sign by sign as Unicode counts them: what would join a quote on the screen does not join it here.
    package static func split(_ line: String) throws(Fault) -> [String] {
        var words: [String] = []
        var word: String.UnicodeScalarView?
        var rest = line.unicodeScalars[...]
        while let sign = rest.popFirst() {
            switch sign {
            case " ", "\t":
                if let done = word { words.append(String(done)) }
                word = nil
            case "'", "\"":
                var text = word ?? String.UnicodeScalarView()
                text.append(contentsOf: try self.quoted(by: sign, &rest))
                word = text
            case "\\":
                guard let next = rest.popFirst() else { throw .unfinished }
                word = (word ?? String.UnicodeScalarView()) + [next]
            case _ where self.shellSigns.contains(Character(sign)): throw .shellSign(Character(sign))
            default: word = (word ?? String.UnicodeScalarView()) + [sign]
            }
        }
        if let done = word { words.append(String(done)) }
        guard let name = words.first else { throw .empty }
        guard self.isName(name) else { throw .badName(name) }
        guard words.count <= self.most else { throw .tooMany }
        return words
    }

    private static func quoted(by quote: Unicode.Scalar, _ rest: inout Substring.UnicodeScalarView) throws(Fault)
        -> String.UnicodeScalarView
    {
        var text = String.UnicodeScalarView()
        while let sign = rest.popFirst() {
            if sign == quote { return text }
            if quote == "\"", sign == "\\", let next = rest.first, next == "\"" || next == "\\" {
                text.append(next)
                rest = rest.dropFirst()
            } else {
                text.append(sign)
            }
        }
        throw .unfinished
    }

    /// A file's name in the directory of programs.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else {
            return false
        }
        return text.unicodeScalars.allSatisfy {
            switch $0 {
            case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "+", "-": true
            default: false
            }
        }
    }
}

extension CommandWords.Fault {
    /// What is wrong with `line`, and the cure.
    package func text(_ line: String) -> Localized {
        switch self {
        case .empty: Localized("a program's name is needed", "プログラム名を指定してください")
        case .unfinished:
            Localized(
                "\(line): a quote or backslash at the end belongs to nothing; close the quote, or put a backslash before it",
                "\(line): 引用符が閉じていないか、末尾に \\ があります。引用符を閉じるか、前に \\ を付けてください")
        case .shellSign(let sign):
            Localized(
                "\(line): no shell runs the line, so \(sign) has no meaning; put it into quotes, or write a program that does it",
                "\(line): シェルは使用しないため \(sign) は意味を持ちません。引用符で囲むか、その処理を行うプログラムを用意してください")
        case .badName(let name):
            Localized(
                "\(name) is no name of a program; write the name of one that is allowed, without a path",
                "\(name) はプログラム名ではありません。許可されたプログラムの名前をパスなしで指定してください")
        case .tooMany:
            Localized(
                "\(line): more than \(CommandWords.most) words; write a program that calls the other",
                "\(line): 語が \(CommandWords.most) 個を超えています。短くするか、呼び出し用のプログラムを用意してください")
        }
    }
}
