/// Enhanced mail system status code, for example 5.1.1. [RFC3463-2]
package struct EnhancedStatus: Hashable, Sendable, CustomStringConvertible {
    package let classDigit: UInt8
    package let subject: UInt16
    package let detail: UInt16

    package init(_ classDigit: UInt8, _ subject: UInt16, _ detail: UInt16) {
        self.classDigit = classDigit
        self.subject = subject
        self.detail = detail
    }

    package var description: String { "\(self.classDigit).\(self.subject).\(self.detail)" }
}

/// One SMTP reply as the peer sees it: code, enhanced status (not for greetings and EHLO), text of one or more lines.
package struct Reply: Hashable, Sendable, Error {
    package var code: UInt16
    package var status: EnhancedStatus?
    package var text: String

    package init(_ code: UInt16, _ status: EnhancedStatus?, _ text: String) {
        self.code = code
        self.status = status
        self.text = text
    }

    package var isTransient: Bool { self.code / 100 == 4 }
    package var isPermanent: Bool { self.code / 100 == 5 }
    package var isPositive: Bool { self.code / 100 == 2 || self.code / 100 == 3 }
}
