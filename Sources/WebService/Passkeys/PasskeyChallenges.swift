internal import Crypto
internal import Synchronization
package import Vocabulary

/// What devices are asked to sign: 56 bytes that only this process can have made, for one browser and one purpose, good for five minutes.
///
/// A challenge proves itself by its MAC, so that nothing is kept for strangers who ask for thousands. What is kept are those that were answered
/// rightly: none is taken twice. With the process ends its key, so that a restart forgets none that could come again.
package final class PasskeyChallenges: Sendable {
    package enum Purpose: String, Sendable {
        /// A new passkey of who is logged in.
        case make
        /// In the place of a password.
        case login
        /// Beside a password.
        case step
    }

    /// Seconds; people look for their keys.
    package static let life: Int64 = 300
    /// Of one account within that time.
    package static let mostOfAccount = 100
    /// Of all accounts within that time.
    package static let most = 100_000

    private struct Spent {
        let mac: [UInt8]
        let time: Int64
    }

    private struct Memory {
        var spent: [AccountID: [Spent]] = [:]
        var count = 0

        mutating func forget(before time: Int64) {
            self.spent = self.spent.compactMapValues { list in
                let kept = list.filter { $0.time >= time }
                return kept.isEmpty ? nil : kept
            }
            self.count = self.spent.values.reduce(0) { $0 + $1.count }
        }
    }

    private static let length = 56
    private let key = SymmetricKey(size: .bits256)
    private let memory = Mutex(Memory())

    package init() {}

    /// - Parameters:
    ///   - binding: what this browser alone has: its session, or the cookie or sealed word of its login.
    ///   - chance: 16 bytes that nobody can guess.
    package func make(_ purpose: Purpose, for host: String, _ binding: String, chance: [UInt8], at now: Int64) -> [UInt8] {
        let head = withUnsafeBytes(of: now.bigEndian) { Array($0) } + chance.prefix(16)
        return head + self.mac(head, purpose, host, binding)
    }

    package func isOurs(_ challenge: [UInt8], _ purpose: Purpose, for host: String, _ binding: String, at now: Int64) -> Bool {
        guard challenge.count == Self.length else { return false }
        let head = Array(challenge[..<24])
        let isRight = HMAC<SHA256>.isValidAuthenticationCode(
            challenge[24...], authenticating: self.message(head, purpose, host, binding), using: self.key)
        let made = head[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard isRight, let time = Int64(exactly: made) else { return false }
        return now >= time && now - time <= Self.life
    }

    /// Takes one that was answered rightly; false when it was taken before, or there are too many.
    package func spend(_ challenge: [UInt8], of account: AccountID, at now: Int64) -> Bool {
        let mac = Array(challenge.dropFirst(24))
        return self.memory.withLock { memory in
            if memory.count >= Self.most || memory.spent[account, default: []].count >= Self.mostOfAccount {
                memory.forget(before: now - Self.life)
            }
            let own = memory.spent[account, default: []]
            guard memory.count < Self.most, own.count < Self.mostOfAccount, !own.contains(where: { $0.mac == mac }) else { return false }
            memory.spent[account, default: []].append(Spent(mac: mac, time: now))
            memory.count += 1
            return true
        }
    }

    private func mac(_ head: [UInt8], _ purpose: Purpose, _ host: String, _ binding: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: self.message(head, purpose, host, binding), using: self.key))
    }

    /// No part can run into the next.
    private func message(_ head: [UInt8], _ purpose: Purpose, _ host: String, _ binding: String) -> [UInt8] {
        head + Array("\(purpose.rawValue)\0\(host)\0\(binding)".utf8)
    }
}
