internal import Bytes
internal import NIOCore
internal import NIOHTTP1

/// Why a request gets no page: it cannot be read, or costs too much.
struct HTTPRefusal {
    let status: HTTPResponseStatus
    private let text: String

    static let malformed = HTTPRefusal(status: .badRequest, text: "This request cannot be read.")
    static let noHost = HTTPRefusal(status: .badRequest, text: "This request does not name one host.")
    static let tooLarge = HTTPRefusal(status: .payloadTooLarge, text: "This is more than is taken here.")
    static let targetTooLong = HTTPRefusal(status: .uriTooLong, text: "This address is too long.")
    static let headerTooLarge = HTTPRefusal(status: .requestHeaderFieldsTooLarge, text: "The header is too large.")
    static let coding = HTTPRefusal(status: .notImplemented, text: "This transfer coding is not known here.")
    static let slow = HTTPRefusal(status: .requestTimeout, text: "The request took too long.")
    static let busy = HTTPRefusal(status: .serviceUnavailable, text: "The server is busy; try again in a moment.")

    /// What a form in a browser never needs.
    private static let longestTarget = 8192

    private init(status: HTTPResponseStatus, text: String) {
        self.status = status
        self.text = text
    }

    /// What the header alone says; nil when nothing speaks against it.
    init?(_ head: HTTPRequestHead) {
        let hosts = head.headers["host"].count
        let codings = head.headers["transfer-encoding"]
        if hosts > 1 || (hosts == 0 && !head.version.isOld) {  // [RFC9112-3.2]
            self = .noHost
        } else if head.uri.utf8.count > Self.longestTarget {
            self = .targetTooLong
        } else if let named = Self.authority(head.uri), named != head.headers.first(name: "host")?.asciiLowercased {  // [RFC9112-3.2.2]
            self = .malformed
        } else if !codings.isEmpty, head.version.isOld || head.headers.contains(name: "content-length") {  // [RFC9112-6.1]
            self = .malformed
        } else if !codings.isEmpty, codings.count > 1 || codings.first?.asciiLowercased != "chunked" {
            self = .coding
        } else if head.headers["content-length"].count > 1 {  // [RFC9112-6.3]
            self = .malformed
        } else {
            return nil
        }
    }

    /// The host that an address names which is written out in full.
    private static func authority(_ uri: String) -> String? {
        guard !uri.hasPrefix("/"), let start = uri.firstRange(of: "://")?.upperBound else { return nil }
        return String(uri[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }).asciiLowercased
    }

    var body: ByteBuffer { ByteBuffer(string: self.text + "\n") }

    var head: HTTPResponseHead {
        var fields = HTTPHeaders()
        for (name, value) in SafetyHeaders.always { fields.add(name: name, value: value) }
        fields.add(name: "Cache-Control", value: "no-store")
        fields.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        fields.add(name: "Content-Length", value: "\(self.body.readableBytes)")
        fields.add(name: "Connection", value: "close")
        return HTTPResponseHead(version: .http1_1, status: self.status, headers: fields)
    }
}

extension HTTPVersion {
    /// HTTP/1.0 or older.
    var isOld: Bool { self.major < 1 || (self.major == 1 && self.minor < 1) }
}
