internal import Bytes
internal import Vocabulary

extension Language {
    /// Name of the language in itself, for the listing that LANG gives. [RFC6856-3.2]
    var ownName: StaticString {
        switch self {
        case .english: "English"
        case .japanese: "日本語"
        }
    }

    /// Finds the language for a basic language range such as `ja` or `en-GB`: subtags are taken off the end until one matches.
    /// [RFC4647-3.4]
    init?(range: String) {
        var wanted = Substring(range.asciiLowercased)
        while true {
            if let found = Self(rawValue: String(wanted)) {
                self = found
                return
            }
            guard let dash = wanted.utf8.lastIndex(of: UInt8(ascii: "-")) else { return nil }
            wanted = wanted[..<dash]
        }
    }
}
