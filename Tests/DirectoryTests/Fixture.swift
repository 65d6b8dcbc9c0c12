import Directory
import Forms
import Glibc
import Routing
import SASL
import Synchronization
import Testing
import Vocabulary

/// A directory in a folder of its own, set up as host.example.test.
final class Fixture: Sendable {
    let folder: String
    let directory: Directory
    static let actor = Actor(name: "tester", interface: "test")

    init(isSetUp: Bool = true, now: @escaping @Sendable () -> Int64 = { 1_800_000_000 }) throws {
        var template = Array("/tmp/po-directory-XXXXXX".utf8CString)
        _ = mkdtemp(&template)
        self.folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.directory = try Directory.open(Self.location(self.folder, now))
        if isSetUp {
            try self.directory.setUp(mainDomain: "example.test", hostName: "host.example.test", postmasterPassword: nil, by: Self.actor)
        }
    }

    deinit {
        self.directory.close()
        for name in ["directory.db", "directory.db-wal", "directory.db-shm"] { unlink("\(self.folder)/\(name)") }
        rmdir(self.folder)
    }

    static func location(_ folder: String, _ now: @escaping @Sendable () -> Int64 = { 1_800_000_000 }) -> DirectoryLocation {
        DirectoryLocation(file: "\(folder)/directory.db", now: now) { count in (0..<count).map { _ in UInt8.random(in: .min ... .max) } }
    }

    /// The same file opened again, as after a restart.
    func reopened() throws -> Directory {
        self.directory.close()
        return try Directory.open(Self.location(self.folder))
    }

    /// A verifier that costs a test next to nothing.
    static func verifier(_ password: String) -> SCRAMVerifier {
        SCRAMVerifier(password: Secret(password), salt: [UInt8](repeating: 7, count: 16), iterations: 4096)
    }

    @discardableResult
    func add(_ addresses: String..., fields: [String: String] = [:], password: String? = nil) throws -> AccountID {
        var texts = [(name: "addresses", texts: addresses)]
        texts += fields.map { (name: $0.key, texts: [$0.value]) }
        var input = try AccountInput(parsing: texts)
        input.verifier = password.map(Self.verifier)
        return try self.directory.addAccount(input, by: Self.actor)
    }

    func resolve(_ text: String) throws -> Resolution { self.directory.snapshot.resolve(try Address(parsing: text)) }

    func configure(_ name: String, _ texts: String...) throws {
        let field = try #require(FieldTable.configuration(named: name))
        try self.directory.configure([field.key: try field.parse(texts)], by: Self.actor)
    }
}
