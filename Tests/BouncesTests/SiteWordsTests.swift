import Bounces
import Policy
import Testing
import Vocabulary

/// The site's own words in what the server writes to people.
@Suite struct SiteWordsTests {
    private static let unknown = Samples.failed(
        "nobody@far.test", DeliveryFailure(.reply(Reply(550, nil, "no such user"), .rcpt), remoteHost: "mx.far.test"))

    @Test("a report says the site's words first and last, with what their placeholders stand for, and the reasons between them")
    func report() throws {
        var composer = Samples.composer()
        composer.words.reportOpening[.english] = "Sorry from {host}.\nAsk <{postmaster}>."
        composer.words.reportClosing[.english] = "Yours, {host} {nothing} {"
        let text = try #require(Samples.composed(Samples.report([Self.unknown]), composer)).text
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        let first = try #require(lines.firstIndex(of: "Sorry from \(Samples.host)."))
        let reason = try #require(lines.firstIndex { $0.contains("nobody@far.test") && $0.hasPrefix("    ") })
        let last = try #require(lines.firstIndex(of: "Yours, \(Samples.host) {nothing} {"))
        #expect(lines[first + 1] == "Ask <\(Samples.postmaster)>." && first < reason && reason < last)
        #expect(!text.contains("undeliverable due to") && !text.contains("feel this message"))
        // The other language keeps ours; so does a report that nothing failed in.
        composer.languages = [.japanese]
        #expect(try #require(Samples.composed(Samples.report([Self.unknown]), composer)).text.contains("base64"))
        composer.languages = [.english]
        var late = Self.unknown
        late.action = .delayed
        let warning = try #require(Samples.composed(Samples.report([late]), composer)).text
        #expect(warning.contains("This is a warning only") && warning.contains("Yours, \(Samples.host)"))
    }

    @Test("the greeting begins and ends with the site's words; what stands in a name is not looked at again")
    func greeting() {
        var text = GreetingText(
            realName: "{host} [x]", addresses: ["taro@example.test"], fingerInformation: "", loginName: "taro",
            hostName: "mail.example.test",
            postmaster: Samples.postmaster)
        text.siteOpening = "Welcome {name}!\nYou are {address}."
        text.siteClosing = "Help: https://example.test/help"
        let lines = text.lines(.english)
        #expect(lines.prefix(4) == ["Information", "", "Welcome {host} [x]!", "You are taro@example.test."])
        #expect(lines.suffix(2) == ["", "Help: https://example.test/help"])
        #expect(!lines.contains { $0.contains("has been opened") })
    }

    @Test("the warning of a mailbox that is nearly full says the site's words with its figures")
    func quota() {
        let lines = QuotaWarning.lines(
            used: 900, quota: 1000, grace: nil, owner: ("", Samples.sender), postmaster: Samples.postmaster,
            site: "{name}: {percent} % of {quota}, ask {postmaster}", .japanese)
        #expect(lines.count == 1 && lines.first?.hasPrefix("taro@example.test: 90 % of ") == true)
    }
}
