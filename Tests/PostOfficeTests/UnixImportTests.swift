import PostOffice
import Testing

@Suite("What a UNIX import makes of names, .forward files and aliases")
struct UnixImportTests {
    @Test(
        "names become Latin letters where that can be done without guessing",
        arguments: [
            ("Jane G. Doe", ["Jane", "G", "Doe"]), ("jürgen müller-lüdenscheidt", ["Jurgen", "Muller-ludenscheidt"]),
            ("Søren Ærø", ["Soren", "Aero"]), ("やまだ たろう", ["Yamada", "Tarou"]), ("シュンイチ　ハットリ", ["Shunichi", "Hattori"]),
            ("きっちょう ちゃん", ["Kitchou", "Chan"]), ("ｊａｎｅ ｄｏｅ", ["Jane", "Doe"]), ("O'Neil Straße", ["ONeil", "Strasse"]),
        ]) func names(_ name: String, _ words: [String])
    { #expect(Romanisation.words(name) == words) }

    @Test("a name whose reading nobody can know is none", arguments: ["山田 太郎", "Иван", "김", "", " ", "a/b", "x\u{1}"])
    func unknown(_ name: String) { #expect(Romanisation.words(name) == nil) }

    @Test(".forward: addresses, the own copy, and what is never carried out") func forward() {
        func read(_ lines: String...) -> ForwardTargets { ForwardTargets(lines, user: "jane", domain: "h.test") }
        #expect(read("jd@far.test").addresses == ["jd@far.test"])
        let mixed = read("# mine", "\\jane, jd@far.test, bob", "\"|/usr/bin/vacation jane, now\"", "/home/jane/mail, :include:/tmp/x")
        #expect(mixed.keepsCopy && mixed.addresses == ["jd@far.test", "bob@h.test"])
        #expect(mixed.others == ["|/usr/bin/vacation jane, now", "/home/jane/mail", ":include:/tmp/x"])
        #expect(read("jane").keepsCopy && read("").addresses.isEmpty)
        #expect(read("not an address <x>").addresses.isEmpty && read("not an address <x>").others.count == 1)
    }

    @Test("aliases: continuation lines, comments, names in any case") func aliases() {
        let text = "# all\nPostmaster: root\nroot:\tjane@h.test\nstaff: a, b,\n  c\n\nprog: \"|/bin/x\"\nbroken line\n: nobody\n"
        let found = ForwardTargets.aliases(text, domain: "h.test")
        #expect(found.map(\.name) == ["postmaster", "root", "staff", "prog"])
        #expect(found[2].targets.addresses == ["a@h.test", "b@h.test", "c@h.test"])
        #expect(found[3].targets.others == ["|/bin/x"] && found[3].targets.addresses.isEmpty)
    }

    @Test("aliases that lead back to themselves, at once, over others, or into a circle, are found") func circles() {
        let text = "loop: loop\nrec: rec2\nrec2: rec\ninto: rec\nout: jane@far.test\nvia: out\n"
        let found = ForwardTargets.circles(ForwardTargets.aliases(text, domain: "h.test"), domain: "h.test")
        #expect(found == ["loop", "rec", "rec2", "into"])
    }
}
