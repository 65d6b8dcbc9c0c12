internal import Bytes
package import NIOCore
package import Vocabulary

/// What a domain is told daily about TLS on the way to it. [RFC8460-4]
package struct TransportReport: Sendable {
    /// Sessions that went wrong alike.
    package struct Failure: Sendable, Hashable {
        /// In the words of [RFC8460-4.3].
        package var result: String
        package var host: String
        package var address: String
        package var reason: String
        package var count: Int64

        package init(result: String, host: String, address: String, reason: String, count: Int64) {
            self.result = result
            self.host = host
            self.address = address
            self.reason = reason
            self.count = count
        }
    }

    /// Sessions under one policy.
    package struct Policy: Sendable, Hashable {
        /// `tlsa`, `sts` or `no-policy-found`.
        package var type: String
        package var lines: [String]
        package var succeeded: Int64 = 0
        package var failures: [Failure] = []

        package init(type: String, lines: [String]) {
            self.type = type
            self.lines = lines
        }
    }

    package var domain: String
    /// Days since 1970.
    package var day: Int64
    /// Who sends it: our domain, and whom to write to.
    package var organization: String
    package var contact: Address
    package var policies: [Policy]
    /// Unique.
    package var id: String

    package init(domain: String, day: Int64, organization: String, contact: Address, policies: [Policy], id: String) {
        self.domain = domain
        self.day = day
        self.organization = organization
        self.contact = contact
        self.policies = policies
        self.id = id
    }

    private var begin: Int64 { self.day * 86_400 }
    private var end: Int64 { self.begin + 86_399 }

    // MARK: JSON

    /// [RFC8460-4.4]
    package var json: String {
        let policies = self.policies.map { policy in
            let failures = policy.failures.map { failure in
                Self.object(
                    [
                        ("result-type", Self.text(failure.result)), ("receiving-mx-hostname", Self.text(failure.host)),
                        ("receiving-ip", Self.text(failure.address)), ("failed-session-count", "\(failure.count)"),
                        ("failure-reason-code", Self.text(failure.reason)),
                    ].filter { $0.1 != "\"\"" })
            }
            let names = policy.lines.compactMap { $0.hasPrefix("mx: ") ? Self.text(String($0.dropFirst(4))) : nil }
            let head =
                [("policy-type", Self.text(policy.type))]
                + (policy.lines.isEmpty ? [] : [("policy-string", Self.list(policy.lines.map(Self.text)))])
                + [("policy-domain", Self.text(self.domain))] + (names.isEmpty ? [] : [("mx-host", Self.list(names))])
            let failed = policy.failures.reduce(Int64(0)) { $0.addingReportingOverflow($1.count).partialValue }
            return Self.object(
                [
                    ("policy", Self.object(head)),
                    (
                        "summary",
                        Self.object([
                            ("total-successful-session-count", "\(policy.succeeded)"), ("total-failure-session-count", "\(failed)"),
                        ])
                    ),
                ] + (failures.isEmpty ? [] : [("failure-details", Self.list(failures))]))
        }
        return Self.object([
            ("organization-name", Self.text(self.organization)),
            (
                "date-range",
                Self.object([("start-datetime", Self.text(Self.stamp(self.begin))), ("end-datetime", Self.text(Self.stamp(self.end)))])
            ), ("contact-info", Self.text("\(self.contact)")), ("report-id", Self.text(self.id)), ("policies", Self.list(policies)),
        ])
    }

    private static func object(_ fields: [(String, String)]) -> String {
        "{" + fields.map { "\(self.text($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func list(_ values: [String]) -> String { "[" + values.joined(separator: ",") + "]" }

    private static func text(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C: out += "\\\(scalar)"
            case ..<0x20, 0x7F:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    /// `2026-11-22T00:00:00Z`
    private static func stamp(_ time: Int64) -> String {
        let civil = CivilTime(unixSeconds: time)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(civil.year)-\(two(civil.month))-\(two(civil.day))T\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second))Z"
    }

    // MARK: Mail

    /// `submitter!domain!begin!end!id.json.gz` [RFC8460-5.1]
    package var fileName: String { "\(self.organization)!\(self.domain)!\(self.begin)!\(self.end)!\(self.id).json.gz" }

    /// The report as a message. [RFC8460-5.3]
    /// - Parameters:
    ///   - packed: `json`, gzipped.
    ///   - date: as in a Date field.
    ///   - random: at least 16 unpredictable bytes.
    package func message(to recipient: Address, packed: [UInt8], date: String, random: [UInt8]) -> ByteBuffer {
        var writer = MailWriter(random: random[...])
        writer.line("From: <\(self.contact)>")
        writer.line("To: <\(recipient)>")
        writer.line("Date: \(date)")
        writer.line("Message-ID: <\(self.id)@\(self.organization)>")
        writer.line("Subject: Report Domain: \(self.domain) Submitter: \(self.organization)")
        writer.line(" Report-ID: <\(self.id)@\(self.organization)>")
        writer.line("Auto-Submitted: auto-generated")
        writer.line("TLS-Report-Domain: \(self.domain)")
        writer.line("TLS-Report-Submitter: \(self.organization)")
        writer.multipart("report", "report-type=\"tlsrpt\"")
        writer.text(
            ["This is an aggregate TLS report from \(self.organization) about mail to \(self.domain)."], description: "What this is")
        writer.part([
            "Content-Type: application/tlsrpt+gzip", "Content-Transfer-Encoding: base64",
            "Content-Disposition: attachment;\r\n filename=\"\(self.fileName)\"",
        ])
        writer.base64(packed[...])
        writer.out.writeImmutableBuffer(writer.end)
        return writer.out
    }
}
