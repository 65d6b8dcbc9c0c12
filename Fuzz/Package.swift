// swift-tools-version: 6.2
// Fuzzers of the parsers. `Fuzz/run SECONDS [NAME]` builds and runs them; `Fuzz/README.md` says how to add one.
//
// Our targets appear here once more, through links in `Sources`: only so are their `package` declarations visible, and only so are
// they compiled with the coverage that the fuzzer steers by.
import PackageDescription

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")

let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault")]

/// Both in one word: of two `-sanitize=` the compiler heeds the last alone, and without coverage the fuzzer is blind. The libraries
/// of others have AddressSanitizer from the command line and no coverage, so that the fuzzer looks at our code only.
let sanitizers = "-sanitize=fuzzer,address"
let watched: [SwiftSetting] = strict + [.unsafeFlags([sanitizers])]

func ours(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: watched)
}

/// `LLVMFuzzerTestOneInput` in `Sources/fuzz-NAME`; libFuzzer does the rest.
func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: "fuzz-\(name)", dependencies: dependencies + ["CFuzzMain", "FuzzKit", nioCore],
        swiftSettings: watched + [.unsafeFlags(["-parse-as-library"])],
        linkerSettings: [
            .unsafeFlags([sanitizers, "-Xlinker", "--defsym=fuzz_\(name)_main=fuzzer_main", "-Xlinker", "--defsym=main=fuzzer_main"])
        ])
}

let package = Package(
    name: "Fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "CFuzzMain"),
        .target(name: "CPlatform", cSettings: [.unsafeFlags(["-fsanitize=fuzzer-no-link"])]),
        .systemLibrary(name: "CUnicode"),
        .target(
            name: "CPattern", cxxSettings: [.unsafeFlags(["-fsanitize=fuzzer-no-link"])], linkerSettings: [.linkedLibrary("re2")]),
        ours("Bytes", [nioCore, "CPlatform"]),
        ours("Vocabulary", [nioCore, "Bytes"]),
        ours("Text", ["Bytes", "Vocabulary", "CUnicode", "CPattern"]),
        ours("SASL", [nioCore, "Bytes", "Vocabulary", crypto, cryptoExtras]),
        ours("POP3Wire", [nioCore, "Bytes", "Vocabulary", "Text", "SASL", "MIME"]),
        ours("MailFiles", ["Bytes", "Vocabulary"]),
        ours("FingerWire", [nioCore, "Vocabulary"]),
        ours("PasswordWire", [nioCore, "Vocabulary", "SASL"]),
        ours("Policy", ["Bytes", "Vocabulary", "Text"]),
        ours("MIME", [nioCore, crypto, "Bytes", "Vocabulary", "Text"]),
        ours("Search", [nioCore, "Bytes", "Vocabulary", "Text", "MIME"]),
        ours("Forms", ["Bytes", "Vocabulary", "Text"]),
        ours("SMTPWire", [nioCore, "Bytes", "Vocabulary", "Text", "SASL", "MIME", "Policy"]),
        ours("Routing", ["Bytes", "Vocabulary", "Text", "Policy"]),
        ours("Bounces", [nioCore, "Bytes", "Vocabulary", "Text", "MIME", "Forms", "Policy", crypto]),
        ours("IMAPWire", [nioCore, crypto, "Bytes", "Vocabulary", "Text", "SASL", "MIME", "Search"]),
        ours("WebPages", ["Bytes", "Vocabulary", "Text", "Forms"]),
        ours("FuzzKit", [nioCore, "Vocabulary"]),

        // Parts of the target PostOffice, by links to its files.
        ours("ControlFrames", ["Vocabulary", "Directory"]),
        // Of the target Directory the one file that frames of the control socket need.
        ours("Directory", ["Vocabulary"]),
        ours("StartFile", ["Bytes", "Vocabulary", "Policy", "Text", "Forms", .product(name: "Yams", package: "Yams")]),

        ours("DropFiles", ["Bytes", "Vocabulary"]),
        // Of postoffice-deliver the file that reads requests, and of Delivery those that write them.
        .target(name: "CDeliver", cSettings: [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])]),
        ours("DeliverForms", [nioCore]),

        fuzzer("deliver", ["CDeliver", "DeliverForms", "Forms"]),
        fuzzer("drop", ["DropFiles", "MIME"]),
        fuzzer("transport", ["Policy", "Routing", "Vocabulary"]),
        fuzzer("control", ["ControlFrames", "Vocabulary"]),
        fuzzer("startfile", ["StartFile", "Vocabulary"]),
        fuzzer("report", ["Bounces", "Policy", "Bytes", "Text", "Vocabulary"]),
        fuzzer("route", ["Forms", "Routing", "Vocabulary"]),
        fuzzer("csv", ["Forms"]),
        fuzzer("json", ["Forms"]),
        // Beside it, by links, the files of WebService that read what a browser sends.
        fuzzer("web", ["WebPages", "Forms", "Bytes", "Vocabulary"]),
        // Beside it, by links, the files of WebService that read what devices send.
        fuzzer("passkey", ["Forms", "Bytes", "Vocabulary", crypto, cryptoExtras]),
        fuzzer("field", ["Forms", "Vocabulary"]),
        fuzzer("text", ["Text", "Vocabulary"]),
        fuzzer("access", ["Policy", "Vocabulary"]),
        fuzzer("imap", ["IMAPWire", "SASL", "Search", "Vocabulary"]),
        fuzzer("imapgrammar", ["IMAPWire", "SASL", "Search", "Vocabulary"]),
        fuzzer("mbox", ["MailFiles", "Vocabulary"]),
        fuzzer("pop3", ["POP3Wire", "SASL", "Vocabulary"]),
        fuzzer("finger", ["FingerWire", "Vocabulary"]),
        fuzzer("password", ["PasswordWire", "SASL", "Vocabulary"]),
        fuzzer("sasl", ["SASL", "Vocabulary"]),
        fuzzer("reply", ["SMTPWire", "Policy", "SASL", "Vocabulary"]),
        fuzzer("record", ["Routing"]),
        fuzzer("smtp", ["SMTPWire", "SASL", "Vocabulary"]),
        fuzzer("address", ["Bytes", "Vocabulary"]),
        fuzzer("header", ["MIME", "Bytes", "Vocabulary"]),
        fuzzer("from", ["Bounces", "MIME", "Bytes", "Vocabulary"]),
        fuzzer("mime", ["MIME", "Bytes"]),
        fuzzer("summary", ["MIME", "Bytes"]),
        fuzzer("search", ["Search", "MIME", "Bytes", "Vocabulary"]),
        fuzzer("filter", ["Policy", "Text", "Vocabulary"]),
    ]
)
