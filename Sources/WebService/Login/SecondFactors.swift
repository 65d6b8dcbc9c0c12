internal import Directory
internal import SASL
internal import Synchronization
internal import Vocabulary

/// Codes of a person's device, and what is there for the day when it is lost.
enum SecondFactors {
    static let recoveryCodes = 10

    /// Wrong codes of ten minutes, by account. A code is one of a million; whoever tries has the password already.
    final class Guesses: Sendable {
        private static let budget = 5
        private static let window: Int64 = 600
        private static let most = 10_000
        private let failures = Mutex<[AccountID: [Int64]]>([:])

        func mayTry(_ account: AccountID, at now: Int64) -> Bool {
            self.failures.withLock { $0[account, default: []].count { now - $0 < Self.window } < Self.budget }
        }

        func failed(_ account: AccountID, at now: Int64) {
            self.failures.withLock { failures in
                if failures.count >= Self.most { failures = failures.filter { now - ($0.value.last ?? 0) < Self.window } }
                failures[account] = (failures[account] ?? []).filter { now - $0 < Self.window } + [now]
            }
        }

        func succeeded(_ account: AccountID) { self.failures.withLock { $0[account] = nil } }
    }

    /// What the code was, once it is spent: `code` or `recovery-code`; nil for a wrong one.
    static func take(_ typed: String, _ account: AccountID, _ host: WebHost) throws(DirectoryError) -> String? {
        guard typed.utf8.count <= 100, let factor = try host.directory.secondFactor(of: account), let keys = host.sessions?.keys else {
            return nil
        }
        if factor.takesCodes, let step = TOTP.step(of: typed, factor.key, at: host.now()) {
            return try host.directory.spend(account, step: step, recoveryCode: nil) ? self.spent("code", account, host) : nil
        }
        let mac = self.mac(ofRecoveryCode: typed, account, keys)
        return try host.directory.spend(account, step: nil, recoveryCode: mac) ? self.spent("recovery-code", account, host) : nil
    }

    private static func spent(_ how: String, _ account: AccountID, _ host: WebHost) -> String {
        host.guesses.succeeded(account)
        return how
    }

    /// Fresh ones as they are shown, once: `k3fp-7xqm-2hdn`, 60 bits.
    static func freshRecoveryCodes(_ host: WebHost) -> [String] {
        let alphabet = Array("23456789abcdefghijkmnpqrstuvwxyz")
        return (0..<Self.recoveryCodes).map { _ in
            let letters = host.random(12).map { alphabet[Int($0 & 31)] }
            return stride(from: 0, to: 12, by: 4).map { String(letters[$0..<($0 + 4)]) }.joined(separator: "-")
        }
    }

    static func mac(ofRecoveryCode typed: String, _ account: AccountID, _ keys: WebKeys) -> String {
        let plain = typed.lowercased().filter { $0 != "-" && $0 != " " }
        return keys.mac(.recovery, "\(account.rawValue) \(plain)")
    }
}

extension WebHost {
    /// Wrong codes and passwords of people who have passed the first door.
    var guesses: SecondFactors.Guesses { self.sessions?.guesses ?? SecondFactors.Guesses() }
}
