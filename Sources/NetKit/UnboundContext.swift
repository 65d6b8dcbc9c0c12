internal import Bytes
internal import CUnbound
internal import Glibc
internal import Vocabulary

/// The library's context. Used on one thread.
///
// SAFETY: made on the caller's thread, handed to the resolver's thread once, and touched only there until `close`.
final class UnboundContext: @unchecked Sendable {
    private let context: OpaquePointer

    init(_ settings: ResolverSettings) throws(ResolverFailure) {
        guard let context = ub_ctx_create() else { throw ResolverFailure(description: "libunbound: no context") }
        self.context = context
        do throws(ResolverFailure) {
            // A name server on this host is as good as any other.
            try self.set("do-not-query-localhost:", "no")
            // Reverse names of private networks are answered by the name servers of those networks.
            try self.set("unblock-lan-zones:", "yes")
            try self.set("insecure-lan-zones:", "yes")
            if settings.servers.isEmpty {
                try self.check(ub_ctx_resolvconf(context, settings.resolvConf), settings.resolvConf)
            }
            for server in settings.servers {
                try self.check(ub_ctx_set_fwd(context, "\(server.address)@\(server.port)"), "\(server.address)")
            }
            // A missing hosts file is no reason not to start.
            if !settings.hostsFile.isEmpty { ub_ctx_hosts(context, settings.hostsFile) }
            // A thread rather than a process: forking a process with many threads is asking for trouble.
            try self.check(ub_ctx_async(context, 1), "async")
        } catch {
            ub_ctx_delete(context)
            throw error
        }
    }

    var descriptor: CInt { ub_fd(self.context) }

    func close() { ub_ctx_delete(self.context) }

    /// Answers what has come in.
    func process() { ub_process(self.context) }

    /// False when the library does not take the question.
    func start(_ question: PendingQuestion) -> Bool {
        let held = Unmanaged.passRetained(question)
        var identifier: CInt = 0
        let result = ub_resolve_async(
            self.context, question.name, CInt(question.type.rawValue), 1, held.toOpaque(),
            { raw, error, result in
                guard let raw else { return }
                let question = Unmanaged<PendingQuestion>.fromOpaque(raw).takeRetainedValue()
                question.complete(UnboundContext.read(question.type, error, result))
                ub_resolve_free(result)
            }, &identifier)
        guard result == 0 else {
            held.release()
            return false
        }
        question.identifier.store(identifier, ordering: .relaxed)
        return true
    }

    /// Forgets a question that nobody waits for. When the library has already answered, its callback lets go of it.
    func cancel(_ question: PendingQuestion) {
        if ub_cancel(self.context, question.identifier.load(ordering: .relaxed)) == 0 { Unmanaged.passUnretained(question).release() }
    }

    private func set(_ option: String, _ value: String) throws(ResolverFailure) {
        try self.check(ub_ctx_set_option(self.context, option, value), option)
    }

    private func check(_ result: CInt, _ what: String) throws(ResolverFailure) {
        guard result == 0 else { throw ResolverFailure(description: "\(what): \(String(cString: ub_strerror(result)))") }
    }

    // MARK: Answers

    private static func read(_ type: DNSType, _ error: CInt, _ result: UnsafeMutablePointer<ub_result>?) -> Result<DNSAnswer, DNSFailure> {
        guard error == 0, let result = result?.pointee else { return .failure(.temporary) }
        if result.bogus != 0 { return .failure(.bogus) }
        if result.nxdomain != 0 { return .failure(.noName) }
        if result.rcode != 0 { return .failure(.temporary) }
        let items = Self.items(result)
        if items.isEmpty { return .failure(.noRecords) }
        let records: DNSAnswer.Records =
            switch type {
            case .a, .aaaa: .addresses(items.compactMap { $0.count == (type == .a ? 4 : 16) ? IPAddress(bytes: $0) : nil })
            case .ptr: .names(items.compactMap { DNSName.read($0) })
            case .mx, .txt, .tlsa: .raw(items)
            }
        return .success(DNSAnswer(records: records, isSecure: result.secure != 0))
    }

    /// Record data, capped in number and size.
    private static func items(_ result: ub_result) -> [[UInt8]] {
        guard let data = result.data, let lengths = result.len else { return [] }
        var items: [[UInt8]] = []
        for index in 0..<DNSLimits.records {
            guard let item = data[index] else { break }
            let length = Int(lengths[index])
            if (0...DNSLimits.recordSize).contains(length) { items.append(Array(UnsafeRawBufferPointer(start: item, count: length))) }
        }
        return items
    }
}

/// A domain name in wire form.
enum DNSName {
    /// Lower-case text without the final dot. nil when it is cut off, compressed, longer than DNS allows, the root, or has bytes
    /// that no host name has: such a name would only be an attack on whoever shows or compares it.
    static func read(_ bytes: [UInt8]) -> String? {
        var labels: [String] = []
        var rest = bytes[...]
        while let length = rest.popFirst(), length > 0 {
            // Two high bits set would be a pointer. [RFC1035-4.1.4]
            guard length <= 63, rest.count > length, labels.count < 128 else { return nil }
            let label = rest.prefix(Int(length))
            guard label.allSatisfy({ Self.isHostByte($0) }) else { return nil }
            labels.append(String(decoding: label.map(\.asciiLowercased), as: UTF8.self))
            rest = rest.dropFirst(Int(length))
        }
        let text = labels.joined(separator: ".")
        return (1...253).contains(text.utf8.count) ? text : nil
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}
