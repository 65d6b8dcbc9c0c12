internal import Bytes
internal import CUnbound
internal import Glibc
internal import Routing
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
            try self.setOptions(settings)
            try self.setServers(settings)
            for anchor in settings.anchors { try self.check(ub_ctx_add_ta(context, anchor), "trust anchor") }
            // A thread rather than a process: forking a process with many threads is asking for trouble.
            try self.check(ub_ctx_async(context, 1), "async")
            // Last, since it settles the context. The library says of this domain that it does not exist; the name servers may know better.
            try self.check(ub_ctx_zone_add(context, "test.", "transparent"), "test.")
        } catch {
            ub_ctx_delete(context)
            throw error
        }
    }

    private func setOptions(_ settings: ResolverSettings) throws(ResolverFailure) {
        // A name server on this host is as good as any other.
        try self.set("do-not-query-localhost:", "no")
        // Reverse names of private networks are answered by the name servers of those networks.
        try self.set("unblock-lan-zones:", "yes")
        try self.set("insecure-lan-zones:", "yes")
        for domain in settings.unsignedDomains { try self.set("domain-insecure:", domain) }
        // Who did not answer is asked again soon: the line may have been down. The library would wait for a quarter of an hour.
        try self.set("infra-keep-probing:", "yes")
        try self.set("infra-host-ttl:", settings.way == .forward ? "10" : "120")
        // A missing hosts file is no reason not to start.
        if !settings.hostsFile.isEmpty { ub_ctx_hosts(self.context, settings.hostsFile) }
    }

    private func setServers(_ settings: ResolverSettings) throws(ResolverFailure) {
        switch settings.way {
        case .direct:
            for root in settings.roots {
                try self.check(ub_ctx_set_stub(self.context, ".", "\(root.address)@\(root.port)", 0), "\(root.address)")
            }
        case .forward where settings.servers.isEmpty:
            try self.check(ub_ctx_resolvconf(self.context, settings.resolvConf), settings.resolvConf)
        case .forward:
            for server in settings.servers {
                try self.check(ub_ctx_set_fwd(self.context, "\(server.address)@\(server.port)"), "\(server.address)")
            }
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
            case .ptr, .cname: .names(items.compactMap { RecordData.hostName($0[...]) })
            case .mx: .exchanges(items.compactMap(RecordData.exchange))
            case .txt: .texts(items.compactMap(RecordData.text))
            case .tlsa: .associations(items.compactMap(RecordData.association))
            case .dnskey: .keys(items)
            }
        return .success(
            DNSAnswer(
                records: records, isSecure: result.secure != 0, canonicalName: self.canonicalName(result), lifetime: Int(max(result.ttl, 0))
            ))
    }

    private static func canonicalName(_ result: ub_result) -> String? {
        guard let name = result.canonname else { return nil }
        let text = String(cString: name).asciiLowercased
        let canonical = text.hasSuffix(".") ? String(text.dropLast()) : text
        let asked = result.qname.map { String(cString: $0).asciiLowercased } ?? ""
        return canonical.isEmpty || canonical == (asked.hasSuffix(".") ? String(asked.dropLast()) : asked) ? nil : canonical
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
