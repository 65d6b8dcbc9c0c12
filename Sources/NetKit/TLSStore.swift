/// A certificate chain and its key as two PEM files. The leaf comes first in the chain.
package struct CertificateFiles: Hashable, Sendable {
    package var chain: String
    package var key: String
    package init(chain: String, key: String) {
        self.chain = chain
        self.key = key
    }
}

/// Why a certificate cannot be used: which file and what is wrong with it.
package struct TLSFailure: Error, Equatable, CustomStringConvertible {
    package enum Problem: String, Sendable { case unreadable, noCertificate, noKey, keyDoesNotMatch, expired, unusable }
    package var file: String
    package var problem: Problem
    package var detail: String
    package init(file: String, problem: Problem, detail: String) {
        self.file = file
        self.problem = problem
        self.detail = detail
    }
    package var description: String { "\(self.file): \(self.problem.rawValue): \(self.detail)" }
}

/// The certificates that all services shake hands with. The first pair is the default; the others are chosen by server name (SNI).
package final class TLSStore: Sendable {
    /// Reads the files now; blocks, so not from an event loop.
    package init(_ files: [CertificateFiles]) throws(TLSFailure) {
        throw TLSFailure(file: files.first?.chain ?? "", problem: .unreadable, detail: "")
    }

    /// Reads everything anew and swaps it in only when all of it is good; otherwise the old set stays. Running sessions keep what they have.
    package func reload(_ files: [CertificateFiles]? = nil) throws(TLSFailure) {}
}
