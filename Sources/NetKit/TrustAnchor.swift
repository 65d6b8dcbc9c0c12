internal import Glibc

/// The keys of the DNS root, from which every validation starts. [RFC4033-5]
package enum TrustAnchor {
    /// The file that a system's package keeps up to date, when the root gets new keys.
    package static let systemFile = "/usr/share/dns/root.key"

    /// Both keys of the root as digests, for systems without that file: of 2017 and of 2024.
    /// Source: the root zone's own DS records as IANA publishes them (root-anchors.xml).
    package static let builtIn = [
        ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
        ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
    ]

    /// Records of a file, one a line; comments begin with a semicolon. nil when it cannot be read or has none.
    package static func records(of file: String) -> [String]? {
        guard let text = SmallFile.text(of: file) else { return nil }
        let records = text.split(separator: "\n").compactMap { line -> String? in
            let record = line.prefix { $0 != ";" }.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
            return record.isEmpty ? nil : record
        }
        return records.isEmpty ? nil : records
    }

    /// Those of the system where it has them.
    package static var system: [String] { self.records(of: self.systemFile) ?? self.builtIn }
}

/// Files of the system that are read whole.
enum SmallFile {
    static let limit = 1 << 20

    /// nil when it is not there, may not be read, or is larger than such a file can be.
    static func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= Self.limit {
            let count = read(descriptor, &block, block.count)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            if count < 0 { if errno == EINTR { continue } else { return nil } }
            bytes += block.prefix(count)
        }
        return nil
    }
}
