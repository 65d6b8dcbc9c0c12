import Glibc
import MailTesting

extension SMTPFixture {
    /// A session behind its login.
    func imap(_ login: String, _ password: String) throws -> IMAPTestClient {
        let client = try self.imap()
        try client.ok("LOGIN \(login) \"\(password)\"")
        return client
    }

    func imap() throws -> IMAPTestClient { try IMAPTestClient(port: self.port("imap")) }

    /// Changes the octet `offset` behind a marker on the disk, in whichever segment it stands.
    func damage(_ marker: String, _ offset: Int) throws {
        let place = self.store.location.segments
        let needle = Array(marker.utf8)
        for name in directoryEntries(place) where name.hasSuffix(".seg") {
            let descriptor = open("\(place)/\(name)", O_RDWR)
            defer { close(descriptor) }
            var bytes = [UInt8](repeating: 0, count: 4 << 20)
            let count = pread(descriptor, &bytes, bytes.count, 0)
            guard count > needle.count,
                let at = (0..<(count - needle.count)).first(where: { bytes[$0..<($0 + needle.count)].elementsEqual(needle) })
            else { continue }
            var other = bytes[at + offset] ^ 1
            if pwrite(descriptor, &other, 1, at + offset) == 1 { return }
        }
        throw IMAPTestClient.Failure(description: "no segment has \(marker)")
    }
}
