/// Headers that every reply carries.
package enum SafetyHeaders {
    /// Nothing is run, shown or sent but what comes from here; nobody puts us in a frame.
    package static let contentPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; connect-src 'self'; "
        + "frame-ancestors 'none'; base-uri 'none'"

    package static let always: [(name: String, value: String)] = [
        ("Content-Security-Policy", Self.contentPolicy),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        // Not "no-referrer": browsers would then say of our own forms that they come from nowhere.
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ]

    /// A year, this host alone: others of its domain may have reasons of their own. [RFC6797-6.1]
    package static let strictTransport = (name: "Strict-Transport-Security", value: "max-age=31536000")
}
