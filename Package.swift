// swift-tools-version: 6.2
// Post.Office: the map of targets is docs/architecture.md; scripts/check-imports holds the direction of imports.
import PackageDescription

/// Every target of ours: Swift 6 language mode, `package` as the widest access we use, warnings are errors.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

func ours(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let package = Package(
    name: "PostOffice",
    products: [
        .executable(name: "postoffice", targets: ["postoffice"]),
        // What stays privileged, where setup was told that it is wanted: C, under 400 lines.
        .executable(name: "postoffice-deliver", targets: ["postoffice-deliver"]),
        // Preloaded by fault tests and by the benchmark; nothing of the product links it.
        .library(name: "PostOfficeFaults", type: .dynamic, targets: ["CFaults"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // Without its readers of configuration files, which would be the longest part of the build.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    ],
    targets: [
        // C libraries of the system, and the little C that Swift cannot say.
        .systemLibrary(name: "CSQLite"),
        .systemLibrary(name: "CQRCode"),
        .systemLibrary(name: "CUnicode"),
        .systemLibrary(name: "CUnbound"),
        .systemLibrary(name: "CZlib"),
        .target(name: "CPlatform"),
        .target(name: "CPattern", linkerSettings: [.linkedLibrary("re2")]),

        // L0: words and bytes.
        ours("Bytes", [nioCore, "CPlatform"]),
        ours("Vocabulary", [nioCore, "Bytes"]),
        ours("Text", ["Bytes", "Vocabulary", "CUnicode", "CPattern"]),

        // L1: pure; bytes or values in, values out.
        ours("SASL", [nioCore, "Bytes", "Vocabulary", crypto, cryptoExtras]),
        ours("MIME", [nioCore, crypto, "Bytes", "Vocabulary", "Text"]),
        ours("SMTPWire", [nioCore, "Bytes", "Vocabulary", "Text", "SASL", "MIME", "Policy"]),
        ours("POP3Wire", [nioCore, "Bytes", "Vocabulary", "Text", "SASL", "MIME"]),
        ours("FingerWire", [nioCore, "Vocabulary"]),
        ours("PasswordWire", [nioCore, "Vocabulary", "SASL"]),
        ours("Search", [nioCore, "Bytes", "Vocabulary", "Text", "MIME"]),
        ours("MailFiles", ["Bytes", "Vocabulary"]),
        ours("IMAPWire", [nioCore, crypto, "Bytes", "Vocabulary", "Text", "SASL", "MIME", "Search"]),
        ours("Forms", ["Bytes", "Vocabulary", "Text"]),
        ours("Policy", ["Bytes", "Vocabulary", "Text"]),
        ours("WebPages", ["Bytes", "Vocabulary", "Text", "Forms"]),
        ours("Routing", ["Bytes", "Vocabulary", "Text", "Policy"]),
        ours("Bounces", [nioCore, "Bytes", "Vocabulary", "Text", "MIME", "Forms", "Policy", crypto]),

        // L2: state on disk.
        ours("Database", ["CSQLite", "CPlatform", "Bytes"]),
        ours(
            "Directory", ["CPlatform", "Bounces", "Database", "Bytes", "Vocabulary", "Text", "Forms", "Policy", "Routing", "SASL", crypto]),
        ours("MessageStore", [nioCore, "Database", "Bytes", "Vocabulary", "CPlatform", crypto]),
        ours("SearchIndex", [nioCore, "CZlib", "Database", "Search", "Bytes", "Vocabulary"]),
        ours("Queue", [nioCore, "CPlatform", "Database", "Bytes", "Vocabulary", "Policy", "Routing", "MessageStore"]),
        ours("Counters", ["Database", "Bytes", "Vocabulary"]),

        // L3: network and behaviour.
        ours(
            "NetKit",
            [
                nioCore, nioPosix, nioTLS, nioSSL, nioHTTP1, x509, asn1, crypto, "CPlatform", "CUnbound", "CZlib", "Bytes", "Vocabulary",
                "Policy",
                "Routing", "SASL", "SMTPWire", "POP3Wire", "IMAPWire",
            ]),
        ours(
            "SMTPService",
            [
                nioCore, "NetKit", "SMTPWire", "SASL", "MIME", "Policy", "Routing", "Database", "Directory", "MessageStore", "Queue",
                "Bytes",
                "Vocabulary", "Text",
            ]),
        ours(
            "POP3Service",
            [nioCore, "NetKit", "POP3Wire", "SASL", "MIME", "Policy", "Directory", "MessageStore", "Queue", "Bytes", "Vocabulary", "Text"]),
        ours("FingerService", ["NetKit", "FingerWire", "Directory", "Forms", "Vocabulary"]),
        ours("PasswordService", ["NetKit", "PasswordWire", "SASL", "Policy", "Directory", "Vocabulary"]),
        ours(
            "IMAPService",
            [
                nioCore, "CZlib", "Database", "NetKit", "IMAPWire", "Search", "SearchIndex", "SASL", "MIME", "Policy", "Directory",
                "MessageStore",
                "Queue", "Bytes",
                "Vocabulary", "Text",
            ]),
        ours(
            "WebService",
            [
                nioCore, nioHTTP1, hummingbird, logging, crypto, cryptoExtras, "CQRCode", "NetKit", "WebPages", "Forms", "SASL", "Policy",
                "Routing",
                "Database", "Directory",
                "MessageStore",
                "Queue", "Counters", "Bytes", "Vocabulary", "Text",
            ]),
        ours(
            "Delivery",
            [
                nioCore, "CPlatform", "CZlib", "NetKit", "SMTPWire", "SASL", "MIME", "Forms", "Bounces", "Policy", "Database", "Directory",
                "MessageStore",
                "Queue",
                "Routing",
                "Bytes", "Vocabulary", "Text",
            ]),

        // L4: composition.
        ours(
            "PostOffice",
            [
                nioCore, nioPosix, yams, arguments, "CPlatform", "Bytes", "Vocabulary", "Text", "SASL", "MIME", "Forms", "Policy",
                "Routing",
                "Bounces", "Database", "Directory", "MessageStore", "Queue", "NetKit", "SMTPService", "POP3Service", "IMAPService",
                "FingerService", "PasswordService", "WebService", "WebPages", "Counters", "SearchIndex", "Delivery", "IMAPWire",
                "MailFiles",
            ]),
        // Tests only: a browser as far as forms of ours go, and a reader that finds markup that is not well-formed.
        ours("WebTesting", ["WebService", "WebPages", "Vocabulary"]),
        .executableTarget(name: "postoffice", dependencies: ["PostOffice"], path: "Sources/postoffice-command", swiftSettings: strict),
        .executableTarget(
            name: "postoffice-deliver", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("pam"), .unsafeFlags(["-no-toolchain-stdlib-rpath"])]),

        // Tests.
        .target(name: "CFaults"),
        ours(
            "PowerCutKit",
            [nioCore, "CSQLite", "Directory", "Forms", "SASL", "MessageStore", "Queue", "Bytes", "Vocabulary", "MailTesting"]),
        .executableTarget(
            name: "powercut", dependencies: ["PowerCutKit", "MailTesting", arguments], path: "Sources/powercut-command",
            swiftSettings: strict),
        .executableTarget(
            name: "storebench", dependencies: [nioCore, "MessageStore", "Database", "CSQLite", "Vocabulary", arguments],
            path: "Sources/storebench-command",
            swiftSettings: strict),
        .executableTarget(
            name: "wirebench", dependencies: [nioCore, "SMTPWire", "Vocabulary"], path: "Sources/wirebench-command", swiftSettings: strict),
        .executableTarget(
            name: "imapstress", dependencies: ["MailTesting", arguments], path: "Sources/imapstress-command", swiftSettings: strict),
        tests("PowerCutTests", ["PowerCutKit", "MailTesting"]),
        ours(
            "MailTesting",
            [nioCore, nioPosix, nioSSL, nioEmbedded, x509, asn1, crypto, "CPlatform", "Bytes", "Vocabulary", "SASL", "NetKit", "Routing"]),
        tests("BytesTests", ["Bytes", "Vocabulary", "MailTesting", nioCore]),
        tests("TextTests", ["Text", "Vocabulary", "Bytes", "MailTesting"]),
        tests("SASLTests", ["SASL", "Bytes", "Vocabulary", "MailTesting", nioCore]),
        tests("MIMETests", ["MIME", "Bytes", "Vocabulary", "MailTesting", nioCore]),
        tests(
            "SMTPWireTests", ["SMTPWire", "SASL", "MIME", "Policy", "Bytes", "Vocabulary", "MailTesting", nioCore],
            resources: [.copy("Dialogues"), .copy("ClientDialogues")]),
        tests("POP3WireTests", ["POP3Wire", "SASL", "Bytes", "Vocabulary", "MailTesting", nioCore], resources: [.copy("Dialogues")]),
        tests("FingerWireTests", ["FingerWire", "Vocabulary", "MailTesting", nioCore], resources: [.copy("Dialogues")]),
        tests("PasswordWireTests", ["PasswordWire", "SASL", "Vocabulary", "MailTesting", nioCore], resources: [.copy("Dialogues")]),
        tests("WebPagesTests", ["WebPages", "WebTesting", "Forms", "Vocabulary", "Text", "MailTesting"]),
        tests("CountersTests", ["Counters", "Queue", "Vocabulary", "MailTesting"]),
        tests(
            "WebServiceTests",
            [
                "WebService", "WebPages", "WebTesting", "Forms", "Directory", "Routing", "SASL", "Policy", "NetKit", "Database",
                "Vocabulary",
                "Text", "MailTesting", nioCore, nioPosix, crypto, cryptoExtras,
            ]),
        tests("MailFilesTests", ["MailFiles", "Bytes", "Vocabulary"]),
        tests("SearchIndexTests", ["SearchIndex", "Search", "MIME", "Vocabulary", nioCore]),
        tests("SearchTests", ["Search", "MIME", "Bytes", "Vocabulary", "Text", "MailTesting", nioCore]),
        tests(
            "IMAPWireTests", ["IMAPWire", "Search", "SASL", "MIME", "Bytes", "Vocabulary", "MailTesting", nioCore],
            resources: [.copy("Dialogues")]),
        tests("BouncesTests", ["Bounces", "Policy", "MIME", "Bytes", "Vocabulary", "Text", "MailTesting", nioCore]),
        tests("PolicyTests", ["Policy", "Routing", "Bytes", "Vocabulary", "Text", "MailTesting"]),
        tests(
            "DirectoryTests", ["Directory", "Forms", "SASL", "Database", "Bytes", "Vocabulary", "Text", "Routing", "Policy", "MailTesting"]),
        tests("MessageStoreTests", ["MessageStore", "Queue", "Database", "Bytes", "Vocabulary", "MailTesting", nioCore]),
        tests(
            "NetKitTests",
            ["NetKit", "Policy", "Routing", "SMTPWire", "Bytes", "Vocabulary", "MailTesting", nioCore, nioPosix, nioSSL, nioEmbedded, x509]),
        tests(
            "ServiceTests",
            [
                "PostOffice", "SMTPService", "POP3Service", "IMAPService", "IMAPWire", "Search", "SearchIndex", "MIME", "NetKit",
                "Database", "Directory",
                "MessageStore",
                "Queue", "Delivery", "Routing", "Policy",
                "SASL", "Forms", "SMTPWire", "Bounces",
                "Bytes", "Vocabulary", "MailTesting", nioCore, nioPosix, nioSSL,
            ]),
        tests(
            "PostOfficeTests",
            [
                "PostOffice", "Counters", "WebService", "WebPages", "WebTesting", "CPlatform", "MIME", "NetKit", "Queue", "MessageStore",
                "Directory", "Forms", "Bytes", "Vocabulary",
                "MailTesting", "SASL", "SMTPService", "Policy", "Routing",
                nioCore, nioPosix,
            ], resources: [.copy("Configurations")]),
        tests("SystemTests", ["MailTesting", "PowerCutKit", "Bytes", "Vocabulary"]),
    ]
)
