// swift-tools-version: 6.2
// The load client and the comparison with other servers. A package of its own, without dependencies, so that it builds in seconds.
import PackageDescription

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "Benchmarks",
    products: [
        .executable(name: "comparison", targets: ["Comparison"]),
        .library(name: "SlowSync", type: .dynamic, targets: ["CSlowSync"]),
    ],
    targets: [
        .target(name: "CSlowSync"),
        .target(name: "CTLSPeer", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CLinux"),
        .target(name: "LoadKit", dependencies: ["CLinux", "CTLSPeer"], swiftSettings: strict),
        .executableTarget(name: "Comparison", dependencies: ["CLinux", "LoadKit"], swiftSettings: strict),
        .testTarget(name: "LoadKitTests", dependencies: ["LoadKit"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
