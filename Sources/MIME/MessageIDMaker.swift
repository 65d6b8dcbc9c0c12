/// Makes identifiers of messages that no one else makes. [RFC5322-3.6.4]
package enum MessageIDMaker {
    private static let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)

    /// `<time.random@host>`, with the angle brackets.
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - random: at least 12 unpredictable bytes.
    package static func make(now: Int64, random: [UInt8], host: String) -> String {
        let letters = random.prefix(16).map { self.alphabet[Int($0) % self.alphabet.count] }
        return "<\(String(now, radix: 36)).\(String(decoding: letters, as: UTF8.self))@\(host)>"
    }
}
