internal import Bytes
internal import Text
package import Vocabulary

/// Envelope senders that bring reports back to the right place: SRS for forwarded mail, VERP for lists. Keyed and dated, so that nobody
/// can make this host send mail to an address of his choice, nor use an old one for ever.
///
/// SRS as published by its authors: `SRS0=proof=day=domain=local@here`, and for mail that another forwarder rewrote before
/// `SRS1=proof=there==…@here`, which leads to that forwarder. Only we check our proofs, so that their form is ours.
package struct ReturnAddresses: Sendable {
    private let keyed: Keyed
    /// Domain of the addresses that are made: one that is local here, normalised.
    package let domain: String
    /// Reports come within days; longer than any queue keeps mail.
    package static let daysValid: Int64 = 30

    private static let letters = 6
    private static let secondsInADay: Int64 = 86_400
    /// Two letters of base 32.
    private static let days: Int64 = 1024

    /// - Parameter key: secret of this instance, at least 16 bytes.
    package init(key: [UInt8], domain: String) {
        self.keyed = Keyed(key)
        self.domain = domain
    }

    package enum Found: Sendable, Hashable {
        /// A report for the sender of mail that was forwarded here.
        case forwarded(Address)
        /// It looks like one of ours and is forged.
        case forged
        /// It was one of ours.
        case expired
    }

    // MARK: SRS

    /// Sender for a message of `sender` that is forwarded; nil where none can be made, because it would be too long or the sender's domain is
    /// a literal: the sender then stays.
    package func forwarding(_ sender: Address, now: Int64) -> Address? {
        guard let domain = DomainName.normalized(sender.domain), !domain.hasPrefix("[") else { return nil }
        let local = sender.localPart
        switch Self.kind(local) {
        case .zero(let rest): return self.made(self.one(host: domain, rest: rest))
        case .one(let host, let rest): return self.made(self.one(host: host, rest: rest))
        case nil:
            let day = Self.text(day: now / Self.secondsInADay)
            let proof = self.keyed.proof("srs0", [day, domain, local], letters: Self.letters)
            return self.made("SRS0=\(proof)=\(day)=\(domain)=\(local)")
        }
    }

    /// `host` is the first forwarder; `rest` is what followed `SRS0` there, with its separator.
    private func one(host: String, rest: String) -> String {
        "SRS1=\(self.keyed.proof("srs1", [host, rest], letters: Self.letters))=\(host)=\(rest)"
    }

    private func made(_ local: String) -> Address? {
        let address = Address(localPart: local, domain: self.domain)
        let length = address.description.utf8.count
        guard length - self.domain.utf8.count - 1 <= Address.maximumLocalPart, length <= Address.maximumLength else { return nil }
        return address
    }

    private enum Kind {
        case zero(rest: String)
        case one(host: String, rest: String)
    }

    /// What another forwarder made, by its form. The separator behind the name may be `=`, `+` or `-`.
    private static func kind(_ local: String) -> Kind? {
        let bytes = Array(local.utf8)
        guard bytes.count > 6, bytes[4] == UInt8(ascii: "=") || bytes[4] == UInt8(ascii: "+") || bytes[4] == UInt8(ascii: "-") else {
            return nil
        }
        switch String(decoding: bytes[..<4], as: UTF8.self).asciiLowercased {
        case "srs0": return .zero(rest: String(decoding: bytes[4...], as: UTF8.self))
        case "srs1":
            let parts = bytes[5...].split(separator: UInt8(ascii: "="), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let host = DomainName.normalized(String(decoding: parts[1], as: UTF8.self)), !host.hasPrefix("["),
                let first = parts[2].first, first == UInt8(ascii: "=") || first == UInt8(ascii: "+") || first == UInt8(ascii: "-")
            else { return nil }
            return .one(host: host, rest: String(decoding: parts[2], as: UTF8.self))
        default: return nil
        }
    }

    /// True for what may have been written by `forwarding`: a cheap look before the proof is reckoned.
    package static func looksLike(_ localPart: String) -> Bool {
        let start = localPart.utf8.prefix(5).map(\.asciiLowercased)
        return start.starts(with: "srs".utf8) && start.last == UInt8(ascii: "=")
    }

    /// What an address of our domain stands for; nil when it is no such address. The domain is not looked at: the caller knows it is ours.
    package func found(_ localPart: String, now: Int64) -> Found? {
        let bytes = Array(localPart.utf8)
        guard bytes.count >= 5, bytes[4] == UInt8(ascii: "=") else { return nil }
        let rest = String(decoding: bytes[5...], as: UTF8.self)
        switch String(decoding: bytes[..<4], as: UTF8.self).asciiLowercased {
        case "srs0": return self.foundZero(rest, now)
        case "srs1": return self.foundOne(rest)
        default: return nil
        }
    }

    private func foundZero(_ text: String, _ now: Int64) -> Found {
        let parts = text.utf8.split(separator: UInt8(ascii: "="), maxSplits: 3, omittingEmptySubsequences: false).map { String($0) ?? "" }
        guard parts.count == 4, !parts[3].isEmpty, self.keyed.isProof(parts[0], "srs0", Array(parts[1...]), letters: Self.letters) else {
            return .forged
        }
        guard Self.isFresh(parts[1], now) else { return .expired }
        return .forwarded(Address(localPart: parts[3], domain: parts[2]))
    }

    private func foundOne(_ text: String) -> Found {
        let parts = text.utf8.split(separator: UInt8(ascii: "="), maxSplits: 2, omittingEmptySubsequences: false).map { String($0) ?? "" }
        guard parts.count == 3, !parts[2].isEmpty, self.keyed.isProof(parts[0], "srs1", Array(parts[1...]), letters: Self.letters) else {
            return .forged
        }
        // Its age is looked at by the host that made it.
        return .forwarded(Address(localPart: "SRS0\(parts[2])", domain: parts[1]))
    }

    // MARK: VERP

    /// Sender for the copy of a list message that goes to one member: a detail behind the owner address, so that a report leads to the
    /// list's owner and tells which member it is about. nil where it would be too long.
    /// - Parameter number: of the subscription.
    package func member(_ number: Int64, ofList owner: Address, now: Int64) -> Address? {
        guard let plain = UInt64(exactly: number) else { return nil }
        let token = "\(Base32.encode(plain))-\(Self.text(day: now / Self.secondsInADay))"
        let proof = self.keyed.proof("verp", [owner.localPart, owner.domain, token], letters: Self.letters)
        let address = Address(localPart: "\(owner.localPart)+\(token)-\(proof)", domain: owner.domain)
        guard address.localPart.utf8.count <= Address.maximumLocalPart, address.description.utf8.count <= Address.maximumLength else {
            return nil
        }
        return address
    }

    /// The subscription that a report to `owner+detail` is about; nil when the detail is none that we wrote lately.
    package func member(detail: String, ofList owner: Address, now: Int64) -> Int64? {
        let parts = detail.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map { String($0) ?? "" }
        guard parts.count == 3,
            self.keyed.isProof(
                parts[2], "verp", [owner.localPart, owner.domain, "\(parts[0])-\(parts[1])"], letters: Self.letters),
            Self.isFresh(parts[1], now), let number = Base32.decode(parts[0].utf8)
        else { return nil }
        return Int64(exactly: number)
    }

    // MARK: Days

    private static func text(day: Int64) -> String {
        let cycle = UInt64(clamping: ((day % self.days) + self.days) % self.days)
        let text = Base32.encode(cycle)
        return text.utf8.count < 2 ? "a\(text)" : text
    }

    private static func isFresh(_ text: String, _ now: Int64) -> Bool {
        guard text.utf8.count == 2, let day = Base32.decode(text.utf8) else { return false }
        let today = now / self.secondsInADay % self.days
        let age = ((today - Int64(clamping: day)) % self.days + self.days) % self.days
        // A day ahead is a clock that was set back.
        return age <= self.daysValid || age == self.days - 1
    }
}
